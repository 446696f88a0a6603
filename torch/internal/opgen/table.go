// Package opgen makes package torch's operations from their table: C functions, Go methods and the
// list that the tests run through. The table's own comment says how it reads.
package opgen

import (
	"fmt"
	"regexp"
	"strings"
)

// argument is one of an operation's arguments.
type argument struct {
	name, kind string
}

// operation is one line of the table.
type operation struct {
	section string
	torch   string     // PyTorch's name
	name    string     // Go's
	on      string     // the receiver: "x" a tensor, "s" a scope, "" none
	args    []argument // the receiver tensor is the first of them
	results []string   // the names of the tensors made
	list    bool       // it makes any number of tensors
	inPlace bool       // it changes x and makes none
	body    string     // a C++ expression, or gotorch's call
	gotorch bool
	since   string
	doc     string
}

var declaration = regexp.MustCompile(`^(?:(x|s)\.)?([A-Za-z0-9]+)\(([^)]*)\)(?: (= x|\[\]|\(([a-z, ]+)\)))?$`)

// parse reads a table; an error names its line.
func parse(table string) ([]operation, error) {
	var list []operation
	section, seen := "", map[string]bool{}
	for i, line := range strings.Split(table, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			section = strings.Trim(line, "[]")
			continue
		}
		o, err := parseLine(line)
		if err == nil && seen[o.name] {
			err = fmt.Errorf("%s occurs twice", o.name)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		seen[o.name] = true
		o.section = section
		list = append(list, o)
	}
	return list, nil
}

func parseLine(line string) (o operation, err error) {
	cells := strings.SplitN(line, " | ", 5)
	if len(cells) != 5 {
		return o, fmt.Errorf("%d columns, want 5", len(cells))
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	m := declaration.FindStringSubmatch(cells[1])
	if m == nil {
		return o, fmt.Errorf("%q is no declaration", cells[1])
	}
	o = operation{torch: cells[0], on: m[1], name: m[2], since: cells[3], doc: cells[4],
		results: []string{"out"}}
	o.body, o.gotorch = strings.CutPrefix(cells[2], "gotorch: ")
	switch {
	case m[4] == "= x":
		o.inPlace, o.results = true, nil
	case m[4] == "[]":
		o.list, o.results = true, nil
	case m[5] != "":
		o.results = strings.Split(m[5], ", ")
	}
	if o.on == "x" {
		o.args = append(o.args, argument{"x", "T"})
	}
	if m[3] == "" {
		return o, nil
	}
	named := len(o.args) // from here on names wait for their kind
	for _, part := range strings.Split(m[3], ", ") {
		name, kind, typed := strings.Cut(part, " ")
		o.args = append(o.args, argument{name, kind})
		if !typed {
			continue
		}
		if _, ok := kinds[kind]; !ok {
			return o, fmt.Errorf("%q is no type", kind)
		}
		for ; named < len(o.args); named++ {
			o.args[named].kind = kind
		}
	}
	if named < len(o.args) {
		return o, fmt.Errorf("%s has no type", o.args[named].name)
	}
	return o, nil
}

// kind is how an argument looks in Go, in the C function's list, and how it gets from one to the
// other. NAME stands for the argument's name.
type kind struct {
	goType string
	c      string // the parameters
	pass   string // Go's expressions for them
	before string // a Go statement ahead of the call
	// a C++ statement that makes NAME from them; gotorch's calls take the parameters as they are
	use    string
	suffix string // of the parameter that use reads
	any    string // how the list takes it from an any
}

var kinds = map[string]kind{
	"T": {goType: "*Tensor", c: "Tensor NAME", pass: "NAME.c()",
		use: "const at::Tensor &NAME = *NAME_;", suffix: "_", any: "tensor(NAME)"},
	"T?": {goType: "*Tensor", c: "Tensor NAME", pass: "NAME.orNil()",
		use: "const at::Tensor NAME = NAME_ ? *NAME_ : at::Tensor();", suffix: "_",
		any: "tensor(NAME)"},
	"T...": {goType: "...*Tensor", c: "Tensor *NAME, int64_t NAME_n",
		before: "NAMEList := handles(NAME)",
		pass:   "unsafe.SliceData(NAMEList), C.int64_t(len(NAMEList))",
		use:    "const std::vector<at::Tensor> NAME = latent::tensors(NAME_, NAME_n);",
		suffix: "_", any: "tensors(NAME)..."},
	"int": {goType: "int", c: "int64_t NAME", pass: "C.int64_t(NAME)", any: "integer(NAME)"},
	"ints": {goType: "[]int", c: "const int64_t *NAME, int64_t NAME_n",
		before: "NAMEList := int64s(NAME)",
		pass:   "unsafe.SliceData(NAMEList), C.int64_t(len(NAMEList))",
		use:    "const at::IntArrayRef NAME(NAME_, NAME_n);", suffix: "_", any: "integers(NAME)"},
	"int...": {goType: "...int", c: "const int64_t *NAME, int64_t NAME_n",
		before: "NAMEList := int64s(NAME)",
		pass:   "unsafe.SliceData(NAMEList), C.int64_t(len(NAMEList))",
		use:    "const at::IntArrayRef NAME(NAME_, NAME_n);", suffix: "_",
		any: "integers(NAME)..."},
	"float": {goType: "float64", c: "double NAME", pass: "C.double(NAME)", any: "float(NAME)"},
	"scalar": {goType: "float64", c: "double NAME", pass: "C.double(NAME)",
		use: "const at::Scalar NAME = latent::scalar(x, NAME_);", suffix: "_", any: "float(NAME)"},
	"bool": {goType: "bool", c: "bool NAME", pass: "C.bool(NAME)", any: "NAME.(bool)"},
	"string": {goType: "string", c: "const char *NAME, int64_t NAME_n",
		pass: "(*C.char)(unsafe.Pointer(unsafe.StringData(NAME))), C.int64_t(len(NAME))",
		use:  "const std::string NAME(NAME_, NAME_n);", suffix: "_", any: "NAME.(string)"},
	"dtype": {goType: "DType", c: "int8_t NAME", pass: "C.int8_t(NAME)",
		use: "const auto NAME = static_cast<at::ScalarType>(NAME_);", suffix: "_",
		any: "dtype(NAME)"},
	"reduction": {goType: "...Reduction", c: "int64_t NAME", pass: "reductionOf(NAME)",
		any: "reduction(NAME)"},
}
