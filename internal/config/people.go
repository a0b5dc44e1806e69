package config

import (
	"time"

	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/schedule"
)

// People says how people are addressed. What programs read is the same in every language and zone.
type People struct {
	Lang     string `placeholder:"en|es" help:"Language of texts for people, with a country if you like (es-CL, es-CO, es-MX). Without it the browser's or, on a terminal, that of LC_ALL or LANG."`
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

// InBrowser is how whoever reads a page is addressed, by the Accept-Language of the request.
func (p *People) InBrowser(acceptLanguage string) i18n.Locale {
	if p.Lang != "" {
		return i18n.New(p.tag, p.zone)
	}
	return i18n.New(i18n.FromHeader(acceptLanguage), p.zone)
}
