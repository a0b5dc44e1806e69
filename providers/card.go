package providers

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What looks like a card number: 13 to 19 digits with a card brand's prefix and length and a right
// check digit (Luhn), whatever stands around them, in one run or in groups. Groups with a blank or
// an unusual sign between them count however they are cut; groups with only dashes, dots,
// underscores, an x or many signs between them count where they are cut as cards are (groups of one
// length, or as they are printed), because references and ids are cut with the same signs; with
// other letters between them only groups as cards have them printed count. UUIDs, times and hashes
// do not count: without that one in some hundreds of them would be refused by chance.

// CardInText reports whether a text that people write holds what looks like a card number, also one
// that other digits touch.
func CardInText(text string) bool {
	if !enoughDigits(text) {
		return false
	}
	if cardIn(text, true) {
		return true
	}
	open := unescape(text)
	return open != text && cardIn(open, true)
}

// CardInID reports whether a text that names something (a reference, a token) is or holds what
// looks like a card number. Digits beside one, and letters between two groups, are taken for what
// ids are made of.
func CardInID(id string) bool { return enoughDigits(id) && cardIn(id, false) }

const shortestCard, longestCard = 13, 19

func enoughDigits(s string) bool { return countDigits(s) >= shortestCard }

func countDigits(s string) int {
	n := 0
	for _, r := range s {
		if r < '0' || '9' < r && r < utf8.RuneSelf {
			continue // most signs
		}
		if _, ok := digit(r); ok {
			n++
		}
	}
	return n
}

// digit reads a decimal digit of any script, raised, lowered and encircled ones included. Unicode
// keeps the ten digits of a script side by side, zero first.
func digit(r rune) (byte, bool) {
	if '0' <= r && r <= '9' {
		return byte(r), true
	}
	if r < 0x80 {
		return 0, false
	}
	if unicode.IsDigit(r) {
		zero := r
		for unicode.IsDigit(zero - 1) {
			zero--
		}
		return byte('0' + (r-zero)%10), true
	}
	for _, s := range specialDigits {
		if s.first <= r && r <= s.last {
			return byte(s.digit + r - s.first), true // #nosec G115 -- a digit
		}
	}
	return 0, false
}

var specialDigits = []struct{ first, last, digit rune }{
	{'⁰', '⁰', '0'}, {'¹', '¹', '1'}, {'²', '³', '2'}, {'⁴', '⁹', '4'}, {'₀', '₉', '0'}, {'⓪', '⓪', '0'}, {'①', '⑨', '1'}, {'⑴', '⑼', '1'},
	{'⓵', '⓽', '1'}, {'⓿', '⓿', '0'}, {'❶', '❾', '1'}, {'➀', '➈', '1'}, {'➊', '➒', '1'},
}

// group is a run of digits, and what stands between the one before and it.
type group struct {
	digits string
	gap    gap
}

// gap says what the groups on both of its sides may be together, from the most to the least.
type gap int

const (
	loose    gap = iota // a card number, however it is cut
	tight               // a card number that is cut as cards are
	lettered            // a card number in the groups that are printed on cards
	apart               // nothing
)

// Most signs between two groups that are one number; blanks do not count.
const (
	looseSigns = 3
	tightSigns = 16
)

func cardIn(text string, people bool) bool {
	groups := digitGroups(withoutShapes(text))
	for i, g := range groups {
		if cardFrom(groups[i:], people) || people && (gluedInRun(g.digits) || gluedInGroups(groups[i:])) {
			return true
		}
	}
	return false
}

// cardFrom looks at the first group alone, and with those that follow.
func cardFrom(groups []group, people bool) bool {
	digits, widest, unusual := "", loose, false
	for i, g := range groups {
		if i > 0 {
			widest, unusual = max(widest, g.gap), unusual || g.gap == loose
		}
		digits += g.digits
		if len(digits) > longestCard || i > 0 && (g.gap == apart || g.gap == lettered && !people) {
			return false
		}
		if !isCard(digits, people) {
			continue
		}
		cut := groups[:i+1]
		if i == 0 || widest < lettered && (unusual || cutLikeCard(cut)) || widest == lettered && printedLikeCard(cut) {
			return true
		}
	}
	return false
}

var (
	uuid = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	hash = regexp.MustCompile(`\b(?:[0-9a-f]{32,}|[0-9A-F]{32,})\b`)
	// clock is a time as RFC 3339 has it, also with a blank for the T; with more than nine digits
	// behind the second these stay.
	clock = regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2}|\b)`)
)

// withoutShapes puts a word in the place of what holds digits by its form. Most texts have no room
// for any of them.
func withoutShapes(text string) string {
	const instead, shortestUUID, shortestHash = "(shape)", 36, 32
	if len(text) >= shortestUUID && strings.Contains(text, "-") {
		text = uuid.ReplaceAllString(text, instead)
	}
	if strings.Contains(text, ":") {
		text = clock.ReplaceAllString(text, instead)
	}
	if len(text) < shortestHash {
		return text
	}
	return hash.ReplaceAllStringFunc(text, func(word string) string {
		if strings.ContainsFunc(word, unicode.IsLetter) {
			return instead
		}
		return word
	})
}

func digitGroups(text string) []group {
	var groups []group
	var digits, between strings.Builder
	flush := func() {
		if digits.Len() == 0 {
			return
		}
		groups = append(groups, group{digits.String(), gapOf(between.String())})
		digits.Reset()
		between.Reset()
	}
	for _, r := range text {
		if d, ok := digit(r); ok {
			digits.WriteByte(d)
			continue
		}
		flush()
		between.WriteRune(r)
	}
	flush()
	return groups
}

func gapOf(between string) gap {
	signs, letters, usual := 0, 0, between != ""
	for _, r := range between {
		switch {
		case unicode.IsLetter(r):
			letters++
		case unicode.IsSpace(r), unicode.IsMark(r), unicode.Is(unicode.Cf, r):
			usual = false
			continue
		}
		signs++
		usual = usual && strings.ContainsRune("-._", r)
	}
	switch word := strings.TrimSpace(between); {
	case letters > 0 && (word == "x" || word == "X"):
		return tight
	case letters > 0 && letters == len([]rune(between)) && letters <= looseSigns:
		return lettered
	case letters > 0 || signs > tightSigns:
		return apart
	case usual || signs > looseSigns:
		return tight
	}
	return loose
}

func cutLikeCard(groups []group) bool {
	if printedLikeCard(groups) {
		return true
	}
	first := len(groups[0].digits)
	for i, g := range groups {
		last := i == len(groups)-1
		if len(g.digits) > first || len(g.digits) < first && !last {
			return false
		}
	}
	return true
}

// prints are the lengths of the groups as they stand on cards: of most, of American Express, Diners
// and UATP.
var prints = [][]int{{4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}, {4, 5, 6}}

func printedLikeCard(groups []group) bool {
	return slices.ContainsFunc(prints, func(lengths []int) bool {
		return slices.EqualFunc(groups, lengths, func(g group, n int) bool { return len(g.digits) == n })
	})
}

// mostGlued is how many digits may stand around a card number: a code and a month, say. Longer runs
// are numbers of another kind (collection slips have up to 48 digits), and each more digit is one
// more chance.
const mostGlued = 8

// gluedInRun reports a card number of the great brands that begins or ends a run of digits, or has
// one digit repeated around it.
func gluedInRun(run string) bool {
	if ordinary(run) {
		return false
	}
	for _, size := range []int{15, 16} {
		more := len(run) - size
		if more < 1 || more > mostGlued {
			continue
		}
		for at := range more + 1 {
			rest := run[:at] + run[at+size:]
			if (at == 0 || at == more || strings.Count(rest, rest[:1]) == more) && isGreatBrand(run[at:at+size]) {
				return true
			}
		}
	}
	return false
}

// gluedInGroups reports groups of four of which the first has more digits before them, or the last
// more behind them.
func gluedInGroups(groups []group) bool {
	if len(groups) < 4 || len(groups[1].digits) != 4 || len(groups[2].digits) != 4 {
		return false
	}
	first, last := groups[0].digits, groups[3].digits
	if len(first) < 4 || len(last) < 4 || max(groups[1].gap, groups[2].gap, groups[3].gap) > tight {
		return false
	}
	return isGreatBrand(first[len(first)-4:] + groups[1].digits + groups[2].digits + last[:4])
}

// ordinary reports a run of digits that has a form of its own: a Mexican account number (CLABE), or
// a time at its beginning.
func ordinary(run string) bool {
	if len(run) > 20 {
		return false
	}
	if isCLABE(run) || len(run) == 19 && '5' <= run[1] && run[1] <= '9' && run[0] == '1' {
		return true // the other is a count of nanoseconds since 1970
	}
	if len(run) < 8 || run[:2] != "20" {
		return false
	}
	_, err := time.Parse("20060102", run[:8])
	return err == nil
}

// isCLABE: 18 digits, three of which name a bank, with a check digit.
func isCLABE(digits string) bool {
	if len(digits) != 18 || !strings.ContainsRune("0169", rune(digits[0])) {
		return false
	}
	sum := 0
	for i, weight := range []int{3, 7, 1, 3, 7, 1, 3, 7, 1, 3, 7, 1, 3, 7, 1, 3, 7} {
		sum += int(digits[i]-'0') * weight % 10
	}
	return (10-sum%10)%10 == int(digits[17]-'0')
}

// Card brands by prefix and length.
var brands = []struct {
	low, high         string
	shortest, longest int
}{
	{"4", "4", 13, 13}, {"4", "4", 16, 16}, {"4", "4", 18, 19}, // Visa
	{"51", "55", 16, 16}, {"2221", "2720", 16, 16}, // Mastercard
	{"34", "34", 15, 15}, {"37", "37", 15, 15}, // American Express
	{"300", "305", 14, 14}, {"36", "36", 14, 19}, {"38", "39", 14, 19}, // Diners
	{"6011", "6011", 16, 19}, {"644", "659", 16, 19}, {"62", "62", 16, 19}, // Discover, UnionPay, RuPay, Troy
	{"3528", "3589", 16, 19},                                         // JCB
	{"50", "50", 13, 19}, {"56", "58", 13, 19}, {"60", "69", 13, 19}, // Maestro and regional brands
	{"2869", "2869", 16, 16},                       // Carnet
	{"2200", "2205", 16, 19},                       // Mir, Borica
	{"81", "82", 16, 16}, {"9792", "9792", 16, 16}, // RuPay, UnionPay, Troy
	{"5907", "5907", 16, 16}, {"9704", "9704", 16, 19}, // Codensa, Napas
	{"8600", "8600", 16, 16}, {"9860", "9860", 16, 16}, // Uzcard, Humo
}

// isCard knows UATP, whose numbers only begin with 1, in what people write: too many ids of 15
// digits do.
func isCard(digits string, people bool) bool {
	if len(digits) < shortestCard || !luhn(digits) || isCLABE(digits) {
		return false
	}
	for _, b := range brands {
		prefix := digits[:len(b.low)]
		if b.low <= prefix && prefix <= b.high && b.shortest <= len(digits) && len(digits) <= b.longest {
			return true
		}
	}
	return people && len(digits) == 15 && digits[0] == '1'
}

// isGreatBrand tells cards of 15 and 16 digits that turn up everywhere: the less certain brands
// would make one in twenty of other long numbers look like a card.
func isGreatBrand(digits string) bool {
	if !luhn(digits) {
		return false
	}
	if len(digits) == 15 {
		return strings.HasPrefix(digits, "34") || strings.HasPrefix(digits, "37")
	}
	four := digits[:4]
	return four[0] == '4' || "5100" <= four && four <= "5599" || "2221" <= four && four <= "2720" || four == "6011" || four == "2869"
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

const (
	codeNames = `(?:c[^a-z0-9]?v[^a-z0-9]?[vc]|cvn|csc|cod(?:igo|\.)?[^a-z0-9]*(?:de[^a-z0-9]+)?(?:la[^a-z0-9]+)?seg(?:uridad|\.)?|clave de seguridad|` +
		`codigo de verificacion(?: de)?(?: la| su| mi)? tarjeta|(?:security|card verification)[^a-z0-9]+(?:code|number|value))`
	codeWords = `(?:[^a-z0-9]|es|is|era|was|de|del|of|la|el|the|mi|my|su|your|tarjeta|card|numero|number|num|nro|no|n|code|codigo|valor|value|` +
		`reverso|atras|dorso|back|igual|a){0,12}`
)

var (
	codeBehind = regexp.MustCompile(`(?:^|[^a-z0-9])` + codeNames + `2?` + codeWords + `(?:[0-9][ .\-]?){2,3}[0-9](?:[^a-z0-9]|$)`)
	codeBefore = regexp.MustCompile(`(?:^|[^a-z0-9])[0-9]{3,4}(?:[^a-z0-9]{1,3}cvv2?(?:[^a-z0-9]|$)|[^a-z0-9]{0,3}[(=][^a-z0-9]{0,2}` + codeNames +
		`|[^a-z0-9]{1,3}(?:es|is|como|as)[^a-z0-9]{1,3}(?:(?:el|the|mi|my|su|your)[^a-z0-9]{1,3})?` + codeNames + `)`)
)

// SecurityCodeInText reports whether a text names a card's security code beside three or four
// digits. Name and digits must be words of their own: one in some thousands of ids of letters and
// digits has such a name and digits within it.
func SecurityCodeInText(text string) bool {
	if countDigits(text) < shortestCode {
		return false
	}
	lower := foldLetters(text)
	if !mentionsCode(lower) {
		return false
	}
	return codeBehind.MatchString(lower) || codeBefore.MatchString(lower)
}

const shortestCode = 3

// mentionsCode is cheap, and true wherever a code is named.
func mentionsCode(lower string) bool {
	for _, part := range []string{"securi", "verifica", "csc", "cv"} {
		if strings.Contains(lower, part) {
			return true
		}
	}
	if strings.Contains(lower, "seg") && (strings.Contains(lower, "cod") || strings.Contains(lower, "clave")) {
		return true // "seg" alone is in many a word
	}
	return spacesCode(lower)
}

// spacesCode reports a c and a v with one sign between them that is neither letter nor digit.
func spacesCode(lower string) bool {
	for {
		_, rest, found := strings.Cut(lower, "c")
		if !found {
			return false
		}
		sign, size := utf8.DecodeRuneInString(rest)
		if plainSign := 'a' <= sign && sign <= 'z' || '0' <= sign && sign <= '9'; !plainSign && strings.HasPrefix(rest[size:], "v") {
			return true
		}
		lower = rest
	}
}

// foldLetters writes a text in lower case, without accents and with common digits; its other signs
// stay.
func foldLetters(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf && (unicode.IsMark(r) || unicode.Is(unicode.Cf, r)) {
			return -1
		}
		return plain(r)
	}, text)
}

// NamesCardData reports whether a name is one for a card number or a security code, however it is
// written.
func NamesCardData(name string) bool {
	letters := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return plain(r)
	}, name)
	switch letters {
	case "pan", "pin", "csc", "cvn", "cardno", "numerotarjeta", "numerodetarjeta", "numtarjeta", "nrotarjeta", "tarjetanumero",
		"codigodeseguridad", "codseguridad", "codseg":
		return true
	}
	for _, part := range []string{"cvv", "cvc", "securitycode", "cardnumber", "codigoseguridad", "codigodeseguridad", "numerodelatarjeta", "verificationvalue"} {
		if strings.Contains(letters, part) {
			return true
		}
	}
	return false
}
