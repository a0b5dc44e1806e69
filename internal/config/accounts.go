package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/spec"
)

const accountsSetting = "REMESA_ACCOUNTS_FILE"

var (
	accountName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	settingName = regexp.MustCompile(`^[A-Za-z_]{1,32}$`)
)

// readAccounts reads the file of further accounts: a JSON list of objects, each with provider,
// account and that provider's settings under their names in lower case (base_url). A secret stands
// in a file of its own (api_key_file), so that this one holds none.
func readAccounts(path string) ([]Account, []error) {
	content, err := readFile(path, math.MaxInt64)
	if err != nil {
		return nil, []error{problem(accountsSetting, "names a file that cannot be read: %s", err)}
	}
	var entries []map[string]json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(content))
	if err := decoder.Decode(&entries); err != nil {
		return nil, []error{problem(accountsSetting, "is not a JSON list of objects (near byte %d)", decoder.InputOffset())}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, []error{problem(accountsSetting, "has something after its list (near byte %d)", decoder.InputOffset())}
	}
	var accounts []Account
	var problems []error
	for i, entry := range entries {
		account, entryProblems := readAccount(entry)
		for _, p := range entryProblems {
			problems = append(problems, fmt.Errorf("%s: entry %d: %w", accountsSetting, i+1, p))
		}
		if len(entryProblems) == 0 {
			accounts = append(accounts, account)
		}
	}
	return accounts, problems
}

func readAccount(entry map[string]json.RawMessage) (Account, []error) {
	provider, known := catalog.Find(textOf(entry["provider"]))
	if !known {
		return Account{}, []error{problem("provider", "missing, or not one of %s", strings.Join(catalog.Names(), ", "))}
	}
	account := Account{Provider: provider, Name: textOf(entry["account"]), Settings: provider.Settings()}
	if !accountName.MatchString(account.Name) {
		return account, []error{problem("account", "missing, or not 1 to 32 lower-case letters, digits and dashes")}
	}
	if err := fill(account.Settings, &account.limits, entry); err != nil {
		return account, []error{err}
	}
	if problems := readSecrets(reflect.ValueOf(account.Settings).Elem(), "", jsonName); len(problems) > 0 {
		return account, problems
	}
	_, problems := account.limits.read(strings.ToLower)
	return account, append(problems, account.problems(strings.ToLower)...)
}

// accountFlags are all that an entry may set besides provider and account.
type accountFlags struct {
	Settings kong.Plugins `embed:""`
	Limits   `embed:""`
}

// fill sets the settings and limits from the entry through the same parser as the variables, so
// that defaults and forms are the same.
func fill(settings spec.Settings, limits *Limits, entry map[string]json.RawMessage) error {
	flags := &accountFlags{Settings: kong.Plugins{settings}}
	known := map[string]bool{"provider": true, "account": true}
	for _, flag := range flagsOf(flags) {
		known[jsonName(flag.Name)] = true
	}
	for key := range entry {
		if !known[key] {
			return problem(printable(key), "is not a setting of this provider; known are %s", knownNames(flags))
		}
	}
	resolve := kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		raw, found := entry[jsonName(flag.Name)]
		if !found {
			return nil, nil
		}
		if flag.Target.Type() == reflect.TypeFor[providers.Secret]() {
			return nil, problem(jsonName(flag.Name), "is a secret: put it into a file of its own and name that as %s_file", jsonName(flag.Name))
		}
		return scalar(raw, jsonName(flag.Name))
	})
	parser, err := kong.New(flags, append(typeMappers(), kong.NoDefaultHelp(), kong.Resolvers(resolve))...)
	if err != nil {
		return err
	}
	_, err = parser.Parse(nil)
	*limits = flags.Limits
	return err
}

// scalar is the text of a JSON text, number or truth value.
func scalar(raw json.RawMessage, name string) (any, error) {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, problem(name, "cannot be read")
	}
	switch v := value.(type) {
	case string:
		return v, nil
	case bool, float64:
		return string(raw), nil
	default:
		return nil, problem(name, "must be a text, a number, true or false")
	}
}

func knownNames(settings *accountFlags) string {
	names := []string{"provider", "account"}
	for _, flag := range flagsOf(settings) {
		if flag.Target.Type() != reflect.TypeFor[providers.Secret]() {
			names = append(names, jsonName(flag.Name))
		}
	}
	return strings.Join(names, ", ")
}

// printable repeats a name that can only be one; anything else might be a value in the wrong place.
func printable(key string) string {
	if settingName.MatchString(key) {
		return key
	}
	return fmt.Sprintf("a name of %d characters", len(key))
}

func jsonName(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

func textOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// givenTwice finds accounts that are described more than once.
func givenTwice(accounts []Account) []error {
	var problems []error
	seen := map[string]bool{}
	for _, a := range accounts {
		if seen[a.String()] {
			problems = append(problems, problem(accountsSetting, "%s is described more than once (the variables describe the account %s)", a, DefaultAccount))
		}
		seen[a.String()] = true
	}
	return problems
}
