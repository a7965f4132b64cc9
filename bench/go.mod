module github.com/go-simplejwt/simplejwt/bench

go 1.26.0

require github.com/go-simplejwt/simplejwt v0.0.0

replace github.com/go-simplejwt/simplejwt => ../
