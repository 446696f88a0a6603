//go:build linux && cgo

// Package faulttest holds tests alone: they kill, starve and mislead the real
// program, and look at what it leaves behind. Which test proves what is listed in
// docs/what-survives.md. LATENT_LONG=1 makes them thorough.
package faulttest
