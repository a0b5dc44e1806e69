package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/schedule"
)

// Options are what a command's parser needs to read these settings: values from the environment
// where no flag is given, durations with days, errors without values, and each variable's name in
// the help.
func Options(lookup LookupEnv) []kong.Option {
	return append(typeMappers(),
		kong.Resolvers(environment(lookup)),
		kong.ValueFormatter(Help),
	)
}

// Help is what a setting's help says, with the name of its variable.
func Help(value *kong.Value) string {
	help := strings.TrimSuffix(value.Help, ".")
	if value.Flag == nil {
		return value.Help
	}
	if name, ok := variables()[value.Name]; ok {
		return fmt.Sprintf("%s ($%s).", help, name)
	}
	return value.Help
}

func typeMappers() []kong.Option {
	return []kong.Option{
		typeMapper(ParseDuration),
		typeMapper(parseInt),
		typeMapper(parseFloat),
		kong.TypeMapper(reflect.TypeFor[bool](), boolMapper{}),
	}
}

// typeMapper decodes a type by parse, whose error must not repeat the text: kong's own decoders do.
func typeMapper[T any](parse func(string) (T, error)) kong.Option {
	decode := func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("value", &text); err != nil {
			return err
		}
		value, err := parse(text)
		if err != nil {
			return named(ctx.Value.Name, err)
		}
		target.Set(reflect.ValueOf(value))
		return nil
	}
	return kong.TypeMapper(reflect.TypeFor[T](), kong.MapperFunc(decode))
}

// boolMapper makes switches of flags: --x alone is true.
type boolMapper struct{}

func (boolMapper) IsBool() bool { return true }

func (boolMapper) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		target.SetBool(true)
		return nil
	}
	text := fmt.Sprint(ctx.Scan.Pop().Value)
	value, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return named(ctx.Value.Name, fmt.Errorf("must be true or false (found %s)", shapeOf(text)))
	}
	target.SetBool(value)
	return nil
}

// named adds the variable's name to an error that kong puts behind the flag's.
func named(flag string, err error) error {
	if name, ok := variables()[flag]; ok {
		return fmt.Errorf("%s: %w", name, err)
	}
	return err
}

// ParseDuration reads Go's durations, and days: "90s", "1h30m", "400d", "1d12h". The error does not
// repeat the text.
func ParseDuration(text string) (time.Duration, error) {
	d, err := schedule.ParseDuration(text)
	if err != nil {
		return 0, notDuration(text)
	}
	return d, nil
}

func notDuration(text string) error {
	return fmt.Errorf("not a duration such as 90s, 5m, 72h or 400d (found %s)", shapeOf(text))
}

func parseInt(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("not a whole number (found %s)", shapeOf(text))
	}
	return n, nil
}

func parseFloat(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("not a number such as 0.7 or 25 (found %s)", shapeOf(text))
	}
	return n, nil
}

// shapeOf tells what kind of text was found without repeating any of it: it may be a secret in the
// wrong place.
func shapeOf(text string) string {
	switch {
	case text == "":
		return "nothing"
	case strings.TrimSpace(text) != text:
		return fmt.Sprintf("%d characters with white space around them", len(text))
	case strings.Trim(text, "0123456789") == "":
		return fmt.Sprintf("%d digits without a unit", len(text))
	default:
		return fmt.Sprintf("%d characters", len(text))
	}
}
