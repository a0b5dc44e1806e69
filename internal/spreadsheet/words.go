package spreadsheet

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// footnotes are those that stand behind a word of a header: "(3)".
var footnotes = regexp.MustCompile(`\(\d{1,2}\)`)

// Fold writes the words of a header in the one way in which equal words are equal: lower case,
// without accents, footnotes and signs, one blank between words, and one word for number. "Nº
// CUENTA_Destino (2)", "Nro. cuenta destino" and "Número cuenta destino" are "numero cuenta
// destino".
func Fold(text string) string {
	if strings.Contains(text, "(") {
		text = footnotes.ReplaceAllString(text, " ")
	}
	folded := text
	if !isASCII(text) {
		if plain, _, err := transform.String(transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn))), text); err == nil {
			folded = plain
		}
	}
	plain := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return ' '
	}, folded)
	words := strings.Fields(plain)
	for i, word := range words {
		switch word {
		case "n", "no", "nro", "num":
			words[i] = "numero"
		}
	}
	return strings.Join(words, " ")
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// Nearest is the candidate of which the smallest share of letters must be added, dropped or changed
// to make it of the text, all of them folded; of equally near ones the first.
func Nearest(text string, candidates []string) string {
	folded := []rune(Fold(text))
	nearest, smallest := "", 0.0
	for _, c := range candidates {
		other := []rune(Fold(c))
		share := float64(distance(folded, other)) / float64(max(len(folded), len(other), 1))
		if nearest == "" || share < smallest {
			nearest, smallest = c, share
		}
	}
	return nearest
}

// distance is Levenshtein's: the fewest letters to add, drop or change.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			change := diagonal
			if x != y {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
