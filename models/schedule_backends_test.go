package models_test

import (
	"context"
	"fmt"
	"testing"

	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/models"
)

// backend is what a schedule runs on: a store, its users, and access to both that bypasses the library.
type backend interface {
	storeAndUsers() (core.Store, core.Users)
	deleteAll(ctx context.Context) error
	addUser(ctx context.Context, name, password string) (id string, err error)
	setPassword(ctx context.Context, id, password string) error
	setInactive(ctx context.Context, id string, inactive bool) error
	deleteUser(ctx context.Context, id string) error
	// readRows returns the records of the store by jti; where it cannot list them, those of these ids.
	readRows(ctx context.Context, jtis []string) (map[string]core.TokenState, error)
}

// memoryBackend is core/memstore.
type memoryBackend struct {
	store *memstore.Store
	users *memstore.Users
}

func (p *memoryBackend) storeAndUsers() (core.Store, core.Users) { return p.store, p.users }

func (p *memoryBackend) deleteAll(context.Context) error {
	p.store, p.users = memstore.New(), memstore.NewUsers()
	return nil
}

func (p *memoryBackend) addUser(_ context.Context, name, password string) (string, error) {
	return name, p.users.Add(memstore.Account{ID: name, Username: name, Password: password})
}

func (p *memoryBackend) changeAccount(ctx context.Context, id string, change func(*memstore.Account)) error {
	user, err := p.users.ByField(ctx, "id", id)
	if err != nil {
		return err
	}
	a := user.(*memstore.Account)
	change(a)
	return p.users.Update(*a)
}

func (p *memoryBackend) setPassword(ctx context.Context, id, password string) error {
	return p.changeAccount(ctx, id, func(a *memstore.Account) { a.Password = password })
}

func (p *memoryBackend) setInactive(ctx context.Context, id string, inactive bool) error {
	return p.changeAccount(ctx, id, func(a *memstore.Account) { a.Inactive = inactive })
}

func (p *memoryBackend) deleteUser(_ context.Context, id string) error {
	p.users.Delete(id)
	p.store.ForgetUser(id)
	return nil
}

func (p *memoryBackend) readRows(ctx context.Context, jtis []string) (map[string]core.TokenState, error) {
	out := map[string]core.TokenState{}
	for _, jti := range jtis {
		state, err := p.store.State(ctx, jti, "")
		if err != nil {
			return nil, err
		}
		if state.Presented != nil {
			out[jti] = *state.Presented
		}
	}
	return out, nil
}

// tableBackend is a database, with a separate handle for what bypasses the library.
type tableBackend struct {
	db    *gorm.DB
	store core.Store
	users core.Users
}

func newTableBackend(t testing.TB, d database) *tableBackend {
	t.Helper()
	db := migrateDB(t, d.open(t), &account{})
	return &tableBackend{d.open(t), models.NewStore(db), models.NewUsers[account](db)}
}

func (p *tableBackend) storeAndUsers() (core.Store, core.Users) { return p.store, p.users }

func (p *tableBackend) deleteAll(ctx context.Context) error {
	for _, table := range []string{"token_blacklist_blacklistedtoken", "token_blacklist_outstandingtoken", "accounts"} {
		if err := p.db.WithContext(ctx).Exec("DELETE FROM " + table).Error; err != nil {
			return err
		}
	}
	return nil
}

func (p *tableBackend) addUser(ctx context.Context, name, password string) (string, error) {
	a := account{Username: name, IsActive: true, Password: password}
	err := p.db.WithContext(ctx).Create(&a).Error
	return fmt.Sprint(a.ID), err
}

func (p *tableBackend) setColumn(ctx context.Context, id, column string, value any) error {
	return p.db.WithContext(ctx).Model(&account{}).Where("id = ?", id).UpdateColumn(column, value).Error
}

func (p *tableBackend) setPassword(ctx context.Context, id, password string) error {
	return p.setColumn(ctx, id, "password", password)
}

func (p *tableBackend) setInactive(ctx context.Context, id string, inactive bool) error {
	return p.setColumn(ctx, id, "is_active", !inactive)
}

func (p *tableBackend) deleteUser(ctx context.Context, id string) error {
	return p.db.WithContext(ctx).Unscoped().Delete(&account{}, "id = ?", id).Error
}

func (p *tableBackend) readRows(ctx context.Context, _ []string) (map[string]core.TokenState, error) {
	return readAllRecords(ctx, p.db)
}
