// Package version says which build this is.
package version

import "runtime/debug"

// Parts are the module's version and the commit; empty where the build did not record them.
func Parts() (number, commit string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	return info.Main.Version, commit
}

// String is the module's version and the commit it was built from, as far as the build recorded
// them.
func String() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "remesa (unknown build)"
	}
	text := "remesa " + info.Main.Version
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			text += " " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			text += " (modified)"
		}
	}
	return text
}
