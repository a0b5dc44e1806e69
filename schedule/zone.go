package schedule

import (
	"errors"
	"regexp"
	"sync"
	"time"
	_ "time/tzdata" // the zones of a machine that has none of its own
)

var errZone = errors.New("not a time zone of the IANA database, such as America/Bogota")

// zoneNames leaves out what means another thing on another machine ("localtime"), and the doubles
// with leap seconds ("right/…").
var zoneNames = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*$`)

// zones caches what was read: a file of a million subscriptions names a handful of zones. A name
// stands for one zone as long as the process lives, and only names that exist are kept.
var zones sync.Map

// LoadZone reads a zone by its IANA name, from the machine's own database or, where there is none,
// from the one built in. The error does not repeat the name. Two calls with one name return the
// same pointer.
func LoadZone(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil //nolint:forcetypeassert // nothing else is stored
	}
	if !zoneNames.MatchString(name) || name == "Local" || name == "Factory" {
		return nil, errZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, errZone
	}
	known, _ := zones.LoadOrStore(name, zone)
	return known.(*time.Location), nil //nolint:forcetypeassert // nothing else is stored
}
