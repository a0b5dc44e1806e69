package paymentfile

import (
	_ "embed" // the list of banks
	"strings"
	"sync"

	"github.com/remesa/remesa/internal/spreadsheet"
)

// chile is the list of banks, with the day on which it was made in its first line.
//
//go:embed banks_cl.csv
var chile string

// bank is one of the list.
type bank struct {
	codes []string
	name  string
	note  string
}

type bankList struct {
	byName map[string]*bank // folded
	byCode map[string]*bank
	names  []string
}

var banks = sync.OnceValue(func() *bankList { return readBanks(chile) })

// readBanks reads lines of codes;name;other|names;note.
func readBanks(text string) *bankList {
	list := &bankList{byName: map[string]*bank{}, byCode: map[string]*bank{}}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), ";")
		if strings.HasPrefix(line, "#") || len(cells) != 4 {
			continue
		}
		b := &bank{codes: strings.Fields(cells[0]), name: cells[1], note: cells[3]}
		for _, code := range b.codes {
			list.byCode[code] = b
		}
		list.names = append(list.names, b.name)
		for _, name := range append(strings.Split(cells[2], "|"), b.name) {
			if name != "" {
				list.byName[spreadsheet.Fold(name)] = b
			}
		}
	}
	return list
}

// code is the bank's code that the provider takes.
func (b *bank) code(valid func(string) bool) (string, bool) {
	for _, code := range b.codes {
		if valid(code) {
			return code, true
		}
	}
	return "", false
}
