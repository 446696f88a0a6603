//go:build linux && cgo

package torch

// RSS is for the tests outside this package.
var RSS = rss
