package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"

	"github.com/remesa/remesa/providers"
)

// maxSecretFile is far above every key and password; a larger file is not a secret's.
const maxSecretFile = 64 << 10

// readSecretFiles fills each secret field X of the settings from the file that its neighbour XFile names. A secret that is given both
// ways is an error: nobody can tell which was meant.
func readSecretFiles(settings any) []error {
	return readSecrets(reflect.ValueOf(settings).Elem(), "", func(flag string) string {
		if name, ok := variables()[flag]; ok {
			return name
		}
		return "--" + flag
	})
}

// readSecrets walks the settings; prefix is what kong puts before the names of the fields, and name says how people call a setting.
// Every secret field carries a name tag.
func readSecrets(settings reflect.Value, prefix string, name func(flag string) string) []error {
	var problems []error
	for i := range settings.NumField() {
		field := settings.Type().Field(i)
		value := settings.Field(i)
		switch {
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

// secretFile reads a secret without the line break that editors leave. Its error does not repeat the path: people put the secret itself
// where its file belongs.
func secretFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("names a file that cannot be read: %w", withoutPath(err))
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("names a file that cannot be read: %w", withoutPath(err))
	case len(content) > maxSecretFile:
		return "", fmt.Errorf("names a file of more than %d bytes, which cannot be a secret", maxSecretFile)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if text == "" {
		return "", errors.New("names an empty file")
	}
	return text, nil
}

func withoutPath(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// fileName is the name of the setting that gives a secret as a file, in the spelling of the name it is given.
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
