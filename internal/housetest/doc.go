// Package housetest holds the module's own rules: which package may import which, and
// how long a file may be.
package housetest
