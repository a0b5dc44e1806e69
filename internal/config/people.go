package config

import (
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/schedule"
)

// People says how people are addressed. What programs read is the same in every language and zone.
type People struct {
	Lang     string `placeholder:"en|es" help:"Language of texts for people, with a country if you like (es-CL, es-CO, es-MX). Without it the browser's or, on a terminal, that of LC_ALL or LANG."`
	Color    string `default:"auto" placeholder:"auto|always|never" help:"Whether what people read has colours: auto is on a terminal, unless NO_COLOR is set."`
	Timezone string `default:"UTC" placeholder:"ZONE" help:"Time zone of times for people, such as America/Santiago."`

	tag  i18n.Tag
	zone *time.Location
}

func (p *People) complete() []error {
	var problems []error
	var err error
	if p.Lang != "" {
		if p.tag, err = i18n.Parse(p.Lang); err != nil {
			problems = append(problems, problem("REMESA_LANG", "%s (found %s)", err, shapeOf(p.Lang)))
		}
	}
	if !slices.Contains([]string{"auto", "always", "never"}, p.Color) {
		problems = append(problems, problem("REMESA_COLOR", "must be auto, always or never (found %s)", shapeOf(p.Color)))
	}
	if p.zone, err = schedule.LoadZone(p.Timezone); err != nil {
		problems = append(problems, problem("REMESA_TIMEZONE", "%s (found %s)", err, shapeOf(p.Timezone)))
	}
	return problems
}

// OnTerminal is how whoever started this command is addressed. lookup finds variables, as
// os.LookupEnv does.
func (p *People) OnTerminal(lookup LookupEnv) i18n.Locale {
	if p.Lang != "" {
		return i18n.New(p.tag, p.zone)
	}
	return i18n.New(i18n.FromEnvironment(lookup), p.zone)
}

// BeforeParsing is how whoever started a command with these arguments is addressed before they are
// parsed: in the help, and in what is said of wrong ones. The color is as it was given.
func BeforeParsing(args []string, lookup LookupEnv) (l i18n.Locale, color string) {
	color = unparsed("color", args, lookup)
	if tag, err := i18n.Parse(unparsed("lang", args, lookup)); err == nil {
		return i18n.New(tag, nil), color
	}
	return i18n.New(i18n.FromEnvironment(lookup), nil), color
}

// unparsed is a setting as its flag or variable has it.
func unparsed(flag string, args []string, lookup LookupEnv) string {
	text, _ := lookup(variableName(flag))
	for i, arg := range args {
		if value, joined := strings.CutPrefix(arg, "--"+flag+"="); joined {
			text = value
		} else if arg == "--"+flag && i+1 < len(args) {
			text = args[i+1]
		}
	}
	return text
}

// InBrowser is how whoever reads a page is addressed, by the Accept-Language of the request.
func (p *People) InBrowser(acceptLanguage string) i18n.Locale {
	if p.Lang != "" {
		return i18n.New(p.tag, p.zone)
	}
	return i18n.New(i18n.FromHeader(acceptLanguage), p.zone)
}
