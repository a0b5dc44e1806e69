package wire

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// ParseBase reads a provider's URL: https, or http on loopback; a path prefix is kept; no login,
// query or fragment. The error does not repeat the text.
func ParseBase(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil {
		return nil, errors.New("not a URL")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("does not begin with https://")
	case u.Hostname() == "":
		return nil, errors.New("has no host")
	case u.Scheme == "http" && !IsLoopback(u):
		return nil, errors.New("must be https, except on loopback")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("takes no login, no query and no fragment")
	}
	return u, nil
}

// IsLoopback reports whether the URL's host is this machine: localhost or a loopback address.
func IsLoopback(u *url.URL) bool {
	if strings.EqualFold(u.Hostname(), "localhost") {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

// Join appends a path template such as "/v3/payout/{id}" to a base; pairs are names and values that
// replace "{name}". A value fills exactly one path segment whatever characters it has; an empty
// one, "." and ".." are refused, since servers resolve them away.
func Join(base *url.URL, template string, pairs ...string) (string, error) {
	path := "/" + strings.TrimLeft(template, "/")
	for i := 0; i+1 < len(pairs); i += 2 {
		name, value := pairs[i], pairs[i+1]
		if value == "" || value == "." || value == ".." {
			return "", fmt.Errorf("%s: cannot be part of a path", name)
		}
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	return strings.TrimRight(base.String(), "/") + path, nil
}

// CheckTemplate reports whether a path template holds each of the names in braces, once, and
// nothing that ends a path.
func CheckTemplate(template string, names ...string) error {
	if !strings.HasPrefix(template, "/") || strings.ContainsAny(template, "?# %\\") {
		return errors.New("must be a path that begins with / and has no query, fragment, blank or escape")
	}
	rest := template
	for _, name := range names {
		if strings.Count(template, "{"+name+"}") != 1 {
			return fmt.Errorf("must contain {%s} once", name)
		}
		rest = strings.ReplaceAll(rest, "{"+name+"}", "")
	}
	if strings.ContainsAny(rest, "{}") {
		return errors.New("has braces that name nothing known")
	}
	return nil
}
