module example.com/cnn

go 1.26.0

require latent v0.0.0

require (
	github.com/google/renameio/v2 v2.0.2 // indirect
	github.com/wangkuiyi/gotorch v0.0.0-20201028015551-9afed2f3ad7b // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace latent => ../../../..
