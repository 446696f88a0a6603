//go:build linux && cgo

package main

import (
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"latent/autoenc"
	"latent/internal/train"
)

// optionFlags are the flags of a training run's options, all of them.
func optionFlags(c train.Config, names ...string) []cli.Flag {
	var flags []cli.Flag
	for _, o := range c.Options() {
		if len(names) > 0 && !slices.Contains(names, o.Flag) {
			continue
		}
		flags = append(flags, optionFlag(o))
	}
	return flags
}

// setOptions overwrites a run's options by the flags that were given.
func setOptions(c *cli.Context, config *train.Config) {
	for _, o := range config.Options() {
		if !c.IsSet(o.Flag) {
			continue
		}
		switch v := o.Value.(type) {
		case *int:
			*v = c.Int(o.Flag)
		case *int64:
			*v = c.Int64(o.Flag)
		case *float64:
			*v = c.Float64(o.Flag)
		case *bool:
			*v = c.Bool(o.Flag)
		case *string:
			*v = c.String(o.Flag)
		}
	}
}

// wrongOption is the error of a call whose options do not validate. It names the flag.
func wrongOption(err error) error {
	var o *autoenc.OptionError
	if errors.As(err, &o) {
		return usagef("--%s must be %s, got %v", flagOf(o.Field), o.Want, o.Value)
	}
	return usageError{err}
}

// flagOf is the flag of an option of a training run.
func flagOf(field string) string {
	for _, o := range new(train.Config).Options() {
		if o.Field == field {
			return o.Flag
		}
	}
	return kebab(field)
}

// openModel loads the model that --run names.
func openModel(c *cli.Context) (*train.Model, error) {
	dir, err := need(c, "run")
	if err != nil {
		return nil, err
	}
	n, err := threads(c)
	if err != nil {
		return nil, err
	}
	if err := train.CheckDevice(c.String("device")); err != nil {
		return nil, usageError{err}
	}
	m, err := train.Open(dir, c.String("device"), n)
	if err == nil && c.IsSet("data") {
		m.Config.Data = c.String("data")
	}
	return m, err
}
