package jose

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
)

// parsePrivateKey reads a private key in PEM: PKCS #8, PKCS #1 or SEC 1. Its errors contain nothing of the key and complete a
// sentence that begins with the setting's name.
func parsePrivateKey(text string) (crypto.Signer, error) {
	block, rest := pem.Decode([]byte(strings.TrimSpace(text)))
	if block != nil && block.Type == "EC PARAMETERS" { // "openssl ecparam -genkey" prints them before the key
		block, _ = pem.Decode(rest)
	}
	if block == nil {
		return nil, errors.New("is not a private key in PEM (the text itself, not the name of a file)")
	}
	if strings.HasSuffix(block.Type, "PUBLIC KEY") {
		return nil, errors.New("is a public key, which belongs into VERIFYING_KEY: a private one is needed")
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if signer, ok := key.(crypto.Signer); ok && err == nil {
		return signer, nil
	}
	return nil, errors.New("is not a private key that can be read (PKCS #8, PKCS #1 or SEC 1, not encrypted)")
}

// parsePublicKey reads a public key in PEM: SPKI (RFC 5280 section 4.1) or PKCS #1. Its errors are like those of
// parsePrivateKey.
func parsePublicKey(text string) (crypto.PublicKey, error) {
	block, _ := pem.Decode([]byte(strings.TrimSpace(text)))
	if block == nil {
		return nil, errors.New("is not a public key in PEM (the text itself, not the name of a file)")
	}
	if strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return nil, errors.New("is a private key, which belongs into SIGNING_KEY: the public one is needed")
	}
	if key, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PublicKey(block.Bytes); err == nil {
		return key, nil
	}
	return nil, errors.New("is not a public key that can be read (SPKI or PKCS #1)")
}
