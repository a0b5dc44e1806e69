package config

import "github.com/alecthomas/kong"

// From is the complete configuration that these variables and the defaults make. It reads neither
// the process's environment nor its flags.
func From(variables map[string]string) (*Config, error) {
	c := New()
	lookup := func(name string) (string, bool) { v, ok := variables[name]; return v, ok }
	parser, err := kong.New(c, Options(lookup)...)
	if err != nil {
		return nil, err
	}
	if _, err := parser.Parse(nil); err != nil {
		return nil, err
	}
	return c, c.Complete()
}
