package autoenc

import (
	"fmt"
	"strings"
	"unicode"
)

// OptionError says that a field of an Options, here or in a package of extra
// losses, has a value that makes no sense.
type OptionError struct {
	Field string // its name, such as "BatchSize"
	Value any    // what it holds
	Want  string // what it must be, such as "at least 1"
}

// Error writes the field in words: batch size must be at least 1, got 0.
func (e *OptionError) Error() string {
	var words strings.Builder
	for i, r := range e.Field {
		if i > 0 && unicode.IsUpper(r) {
			words.WriteByte(' ')
		}
		words.WriteRune(unicode.ToLower(r))
	}
	return fmt.Sprintf("%s must be %s, got %v", &words, e.Want, e.Value)
}
