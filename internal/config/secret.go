package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/providers"
)

// maxSecretFile is far above every key and password; a larger file is not a secret's.
const maxSecretFile = 64 << 10

// readSecretFiles fills each secret field X of the settings from the file that its neighbour XFile
// names. A secret that is given both ways is an error: nobody can tell which was meant.
func readSecretFiles(settings any) []error {
	return readSecrets(reflect.ValueOf(settings).Elem(), "", func(flag string) string {
		if name, ok := variables()[flag]; ok {
			return name
		}
		return "--" + flag
	})
}

// readSecrets walks the settings; prefix is what kong puts before the names of the fields, and name
// says how people call a setting. Every secret field carries a name tag.
func readSecrets(settings reflect.Value, prefix string, name func(flag string) string) []error {
	var problems []error
	for i := range settings.NumField() {
		field := settings.Type().Field(i)
		value := settings.Field(i)
		switch {
		case field.Type == reflect.TypeFor[kong.Plugins]():
			for n := range value.Len() {
				problems = append(problems, readSecrets(value.Index(n).Elem().Elem(), prefix, name)...)
			}
		case field.Type.Kind() == reflect.Struct && field.IsExported():
			problems = append(problems, readSecrets(value, prefix+field.Tag.Get("prefix"), name)...)
		case field.Type == reflect.TypeFor[providers.Secret]():
			file := settings.FieldByName(field.Name + "File")
			if err := readSecret(value, file, name(prefix+field.Tag.Get("name"))); err != nil {
				problems = append(problems, err)
			}
		}
	}
	return problems
}

func readSecret(secret, file reflect.Value, name string) error {
	path := file.String()
	if path == "" {
		return nil
	}
	if secret.String() != "" {
		return problem(name, "given both directly and as a file: remove %s or %s", name, fileName(name))
	}
	content, err := secretFile(path)
	if err != nil {
		return problem(fileName(name), "%s", err)
	}
	secret.SetString(content)
	return nil
}

// secretFile reads a secret without the line break that editors leave. Its error does not repeat
// the path: somebody may have set the secret itself in place of its file.
func secretFile(path string) (string, error) {
	content, err := readFile(path, maxSecretFile+1)
	switch {
	case err != nil:
		return "", fmt.Errorf("names a file that cannot be read: %w", err)
	case len(content) > maxSecretFile:
		return "", fmt.Errorf("names a file of more than %d bytes, which cannot be a secret", maxSecretFile)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if text == "" {
		return "", errors.New("names an empty file")
	}
	return text, nil
}

// readFile reads a regular file up to a size; anything else is refused without waiting for it: a
// named pipe that nobody writes to would hold up the start for ever. Its error does not repeat the
// path.
func readFile(path string, most int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	content, err := io.ReadAll(io.LimitReader(file, most))
	return content, withoutPath(err)
}

// regular returns an error for what is no regular file, or cannot be read at all; the provider's
// package reads it later.
func regular(path string) error {
	_, err := readFile(path, 1)
	return err
}

// openSecrets warns of each file of a secret that other users of this machine can read.
func openSecrets(settings reflect.Value, prefix string, name func(flag string) string) []string {
	var warnings []string
	for i := range settings.NumField() {
		field := settings.Type().Field(i)
		switch {
		case field.Type == reflect.TypeFor[kong.Plugins]():
			for n := range settings.Field(i).Len() {
				warnings = append(warnings, openSecrets(settings.Field(i).Index(n).Elem().Elem(), prefix, name)...)
			}
		case field.Type.Kind() == reflect.Struct && field.IsExported():
			warnings = append(warnings, openSecrets(settings.Field(i), prefix+field.Tag.Get("prefix"), name)...)
		case holdsSecret(settings.Type(), field) && readByOthers(settings.Field(i).String()):
			warnings = append(warnings, fmt.Sprintf("%s names a file that other users of this machine can read: let only the worker's user read it (chmod 600)",
				name(prefix+field.Tag.Get("name"))))
		}
	}
	return warnings
}

// holdsSecret reports whether the field names a file with a secret: one whose neighbour is that
// secret, or one with the tag private.
func holdsSecret(group reflect.Type, field reflect.StructField) bool {
	if _, private := field.Tag.Lookup("private"); private {
		return true
	}
	secret, isFile := strings.CutSuffix(field.Name, "File")
	if !isFile || field.Type.Kind() != reflect.String {
		return false
	}
	neighbour, found := group.FieldByName(secret)
	return found && neighbour.Type == reflect.TypeFor[providers.Secret]()
}

// readByOthers reports whether everybody can read the file, or a group can and this process owns
// it. A group through which this process itself reads the file, as orchestrators set it up, does
// not count.
func readByOthers(path string) bool {
	if path == "" {
		return false
	}
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	return info.Mode().Perm()&0o004 != 0 || info.Mode().Perm()&0o040 != 0 && owned(info)
}

func withoutPath(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// fileName is the name of the setting that gives a secret as a file, in the spelling of the name it
// is given.
func fileName(name string) string {
	switch {
	case strings.HasPrefix(name, "--"):
		return name + "-file"
	case strings.ToUpper(name) == name:
		return name + "_FILE"
	default:
		return name + "_file"
	}
}
