package providers

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"html"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Redact is the last thing that an adapter does to an outcome: none of its texts repeats a value
// afterwards, in whatever form. ProviderRefs and ActionURL stay: they are kept for what they are.
// The account's own secret comes first among the values, see ID.
func Redact(o Outcome, hide ...string) Outcome {
	h := newRedactor(hide)
	o.Code, o.Message = h.redactOwn(o.Code), h.redactOwn(o.Message)
	o.ProviderID, o.SecondID = h.id(o.ProviderID), h.id(o.SecondID)
	return o
}

// PrivateTexts lists what no text about the payout may repeat.
func (p Payout) PrivateTexts() []string {
	return []string{p.Recipient.Name, p.Recipient.Email, p.Recipient.Document, p.Bank.AccountNumber}
}

// PrivateTexts lists what no text about the charge may repeat.
func (c Charge) PrivateTexts() []string {
	p := c.Customer
	return []string{
		c.Card.Token.Reveal(), p.ID, p.Name, p.FirstNames, p.LastNames, p.Email, p.BillingEmail, p.Document, p.Phone, p.Address, c.Agreement,
	}
}

// redactor finds values in texts however they are written there: in other letters' case, without
// accents, with other signs between their letters and digits, within base64 or hexadecimal. A long
// secret is found by each twelve signs of it, too.
type redactor struct{ values []secretText }

// secretText is a value that no text may repeat.
type secretText struct {
	text string
	// signs is how many letters and digits it has, where it is one word of ASCII; else zero.
	signs int
}

// pattern is a value as it stands in a folded text.
type pattern struct {
	text string
	// whole: no letter, or no digit, may stand right before or after it, or it is part of another
	// word.
	whole bool
	// word is one of a person's names alone.
	word bool
	// long is a secret of which a part says too much.
	long bool
	// coded stands within base64, whose word holds bits of the value at both ends.
	coded bool
}

const (
	shortestCoded = 5 // bytes of a value that is looked for in base64 and hexadecimal
	shortestLong  = 16
	longestPart   = 11 // signs of a long secret that may stand by chance
	shortestFree  = 6  // signs of a value that is found within a word
	shortestWord  = 3
)

func newRedactor(values []string) redactor {
	h := redactor{make([]secretText, 0, len(values))}
	for _, v := range values {
		if v = strings.TrimSpace(v); len(v) > 1 {
			h.values = append(h.values, secretText{v, signsOfWord(v)})
		}
	}
	return h
}

// signsOfWord counts the letters and digits of one word of ASCII; of any other text it is zero.
func signsOfWord(value string) int {
	signs := 0
	for i := range len(value) {
		switch inWord[value[i]] {
		case noWord:
			return 0
		case wordSign:
			signs++
		}
	}
	return signs
}

const (
	wordSign = 1 + iota
	noWord
)

// inWord says of each byte whether it is a letter or a digit of ASCII, or no sign of a word of it.
// It is asked of each byte of a signature.
var inWord = func() (table [256]byte) {
	for b := range table {
		switch {
		case b <= ' ' || b >= utf8.RuneSelf:
			table[b] = noWord
		case isSign(rune(b)): // #nosec G115 -- a byte
			table[b] = wordSign
		}
	}
	return table
}()

// patterns are the forms of one value that stand in a folded text; with parts, a long secret is
// always among them. Most texts are one word and hold none, so what does not stand there is not
// kept, and of a form that does not begin in the text only the beginning is made.
func (v secretText) patterns(in []byte, parts bool) []pattern {
	parts = parts && len(in) > longestPart
	if !parts && v.tooLong(len(in)) {
		return nil
	}
	var room [512]byte
	begins := appendFoldedUpTo(room[:0], v.text, beginning)
	if len(begins) < 2 {
		return nil
	}
	spoken := v.signs == 0 && strings.ContainsFunc(v.text, unicode.IsSpace)
	var all []pattern
	if parts || spoken || bytes.Contains(in, begins) {
		all = spelled(v.text, appendFolded(room[:0], v.text), in, spoken, parts)
	}
	if body, _, ok := strings.Cut(v.text, "-"); ok && bytes.Contains(in, []byte(body)) && rut.MatchString(v.text) {
		all = append(all, pattern{text: body, whole: true})
	}
	return append(all, coded(v.text, in)...)
}

// beginning is how many signs of a form are looked for before all of it is made.
const beginning = 12

// spelled are the value as it is, which is text when it is folded, and a person's names.
func spelled(value string, text, in []byte, spoken, parts bool) []pattern {
	digits, letters := kinds(text)
	long := len(text) >= shortestLong && !spoken && !strings.Contains(value, "@")
	var all []pattern
	if bytes.Contains(in, text) || long && parts {
		all = append(all, pattern{
			text: string(text), long: long,
			// A secret of letters is found within a word.
			whole: !digits && (spoken || len(text) <= longestPart) || !letters && len(text) < 2*shortestFree || len(text) < shortestFree,
		})
	}
	if !digits && spoken {
		all = append(all, names(value, in)...)
	}
	return all
}

// tooLong reports a value of which no form has room in a folded text of so many bytes, as a
// signature's beside a status word: without blanks it is one word, and its signs are too many.
func (v secretText) tooLong(room int) bool {
	return len(v.text)/2 > room && // else it may stand there in base64
		v.signs > max(room, shortestLong)
}

var rut = regexp.MustCompile(`^[0-9]{6,8}-[0-9kK]$`)

func kinds(text []byte) (digits, letters bool) {
	return bytes.ContainsFunc(text, unicode.IsDigit), bytes.ContainsFunc(text, unicode.IsLetter)
}

// common are words in the names of people and companies that say nothing of them.
var common = []string{
	"del", "los", "las", "san", "the", "and", "spa", "ltda", "limitada", "sociedad", "empresa", "comercial", "servicios", "banco", "estado",
	"cuenta", "tarjeta", "pago", "pagos", "cliente", "error", "test",
}

// names are a person's names that stand in a folded text, each alone: a provider may repeat the
// family name only.
func names(value string, in []byte) []pattern {
	var all []pattern
	var room [64]byte
	for w := range strings.FieldsSeq(value) {
		word := appendFolded(room[:0], w)
		if utf8.RuneCount(word) >= shortestWord && bytes.Contains(in, word) && !slices.Contains(common, string(word)) {
			all = append(all, pattern{text: string(word), whole: true, word: true})
		}
	}
	return all
}

// coded are those parts of the value's base64 that do not depend on what stands around it, and its
// hexadecimal, that stand in a folded text. The alphabets of base64 differ in signs that folding
// drops.
func coded(value string, in []byte) []pattern {
	if len(value) < shortestCoded || len(value)/2 > len(in) {
		return nil // folding may drop signs of base64, but not that many
	}
	var all []pattern
	var clear, text [256]byte
	shifted := append(append(clear[:0], 0, 0), value...)
	if begins := hex.AppendEncode(text[:0], shifted[2:2+shortestCoded]); bytes.Contains(in, begins) {
		if form := hex.AppendEncode(text[:0], shifted[2:]); bytes.Contains(in, form) {
			all = append(all, pattern{text: string(form)})
		}
	}
	for before := range 3 {
		bits := shifted[2-before:]
		if form := codedForm(text[:0], bits[:min(len(bits), beginning*6/8)], before); !bytes.Contains(in, form) {
			continue
		}
		if form := codedForm(text[:0], bits, before); len(form) >= shortestFree && bytes.Contains(in, form) {
			all = append(all, pattern{text: string(form), coded: true})
		}
	}
	return all
}

// codedForm is the folded base64 of a value without the signs that also hold bits of the before
// bytes in front of it, or of what stands behind it.
func codedForm(room, bits []byte, before int) []byte {
	encoded := base64.RawStdEncoding.AppendEncode(room, bits)
	first, last := (before*8+5)/6, len(bits)*8/6
	form := encoded[:0]
	for _, c := range encoded[first:last] {
		if isSign(rune(c)) {
			form = append(form, byte(plain(rune(c)))) // #nosec G115 -- base64 is ASCII
		}
	}
	return form
}

// folded is a text's letters and digits in lower case and without accents. from and to give, for
// each of its bytes, where in the text the sign begins and ends.
type folded struct {
	text     string
	from, to []int
}

// appendFolded is fold where the places do not matter.
func appendFolded(to []byte, text string) []byte { return appendFoldedUpTo(to, text, math.MaxInt) }

// appendFoldedUpTo is appendFolded that ends when most bytes are there, or a few more.
func appendFoldedUpTo(to []byte, text string, most int) []byte {
	for _, r := range text {
		if len(to) >= most {
			break
		}
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9': // most
			to = append(to, byte(r)) // #nosec G115 -- a letter or a digit
		case isSign(r):
			to = utf8.AppendRune(to, plain(r))
		}
	}
	return to
}

func isSign(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r)
}

func fold(text string) folded {
	signs := make([]byte, 0, len(text))
	f := folded{from: make([]int, 0, len(text)), to: make([]int, 0, len(text))}
	for i, r := range text {
		if !isSign(r) {
			continue
		}
		before := len(signs)
		signs = utf8.AppendRune(signs, plain(r))
		for range len(signs) - before {
			f.from, f.to = append(f.from, i), append(f.to, i+utf8.RuneLen(r))
		}
	}
	f.text = string(signs)
	return f
}

const (
	accented   = "áàâäãåéèêëíìîïóòôöõøúùûüñçýÿ"
	unaccented = "aaaaaaeeeeiiiioooooouuuuncyy"
)

var bare = func() map[rune]rune {
	table := map[rune]rune{}
	for i, r := range []rune(accented) {
		table[r] = rune(unaccented[i])
	}
	return table
}()

func plain(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	if d, ok := digit(r); ok {
		return rune(d)
	}
	r = unicode.ToLower(r)
	if b, ok := bare[r]; ok {
		return b
	}
	return r
}

// span is a part of a text, in bytes.
type span struct{ from, to int }

// find returns where the text repeats a value. Without parts neither a part of a long secret counts
// nor one name alone.
func (h redactor) find(text string, parts bool) []span {
	if text == "" {
		return nil
	}
	var spans []span
	var f folded
	var room [256]byte
	in := appendFolded(room[:0], text)
	for _, v := range h.values {
		spans = exact(spans, text, v.text)
		for _, n := range v.patterns(in, parts) {
			if f.text == "" {
				f = fold(text) // only a text that repeats something is asked for places
			}
			spans = n.all(spans, f, text, parts)
		}
	}
	return outsideTimes(spans, text)
}

var timeText = regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}\b`)

// outsideTimes drops what is but a part of a time: there it stands by chance, and what is left of
// the time would not say when something happened.
func outsideTimes(spans []span, text string) []span {
	if len(spans) == 0 {
		return nil
	}
	times := timeText.FindAllStringIndex(text, -1)
	return slices.DeleteFunc(spans, func(s span) bool {
		return slices.ContainsFunc(times, func(t []int) bool { return t[0] <= s.from && s.to <= t[1] && s.to-s.from < t[1]-t[0] })
	})
}

func (n pattern) all(spans []span, f folded, text string, parts bool) []span {
	if n.word && !parts {
		return spans
	}
	found := n.find(nil, f)
	if n.coded {
		found = wholeWords(found, text)
	}
	if n.long && parts {
		found = n.findParts(found, f)
	}
	return append(spans, found...)
}

// exact finds values of which folding would drop the first or the last sign.
func exact(spans []span, text, value string) []span {
	first, _ := utf8.DecodeRuneInString(value)
	last, _ := utf8.DecodeLastRuneInString(value)
	if isSign(first) && isSign(last) {
		return spans
	}
	for at := 0; ; {
		i := strings.Index(text[at:], value)
		if i < 0 {
			return spans
		}
		spans, at = append(spans, span{at + i, at + i + len(value)}), at+i+len(value)
	}
}

func (n pattern) find(spans []span, f folded) []span {
	for at := 0; at+len(n.text) <= len(f.text); {
		i := strings.Index(f.text[at:], n.text)
		if i < 0 {
			break
		}
		first, last := at+i, at+i+len(n.text)-1
		if !n.whole || f.ends(first-1, first) && f.ends(last, last+1) {
			spans = append(spans, span{f.from[first], f.to[last]})
		}
		at = first + 1
	}
	return spans
}

// wholeWords widens spans over the signs of base64 on both sides.
func wholeWords(spans []span, text string) []span {
	for i, s := range spans {
		before := strings.TrimRightFunc(text[:s.from], isBase64)
		after := strings.TrimLeftFunc(text[s.to:], isBase64)
		spans[i] = span{len(before), len(text) - len(after)}
	}
	return spans
}

func isBase64(r rune) bool {
	return r < utf8.RuneSelf && (isSign(r) || strings.ContainsRune("+/_=-", r))
}

// ends reports that a word ends between two bytes: a sign stands there, or a letter meets a digit.
func (f folded) ends(left, right int) bool {
	if left < 0 || right >= len(f.text) || f.to[left] != f.from[right] {
		return true
	}
	return isDigit(f.text[left]) != isDigit(f.text[right])
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func (n pattern) findParts(spans []span, f folded) []span {
	const size = longestPart + 1
	for i := 0; i+size <= len(f.text); i++ {
		if strings.Contains(n.text, f.text[i:i+size]) {
			spans = append(spans, span{f.from[i], f.to[i+size-1]})
		}
	}
	return spans
}

const hidden = "[…]"

// maskSpans puts the mark of something hidden in the place of each span; spans that touch share
// one.
func maskSpans(text string, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for i := 0; i < len(spans); {
		to := spans[i].to
		b.WriteString(text[at:spans[i].from])
		for i++; i < len(spans) && spans[i].from <= to; i++ {
			to = max(to, spans[i].to)
		}
		b.WriteString(hidden)
		at = to
	}
	b.WriteString(text[at:])
	return b.String()
}

// redactOwn hides the values, mailboxes and signed tokens: what a text of ours may hold beside the
// provider's words.
func (h redactor) redactOwn(text string) string {
	return h.both(text, func(text string) string {
		text = maskSpans(text, h.find(text, true))
		if strings.Contains(text, tokenStart) {
			text = signedToken.ReplaceAllString(text, hidden)
		}
		if strings.Contains(text, "@") {
			text = mailbox.ReplaceAllString(text, hidden)
		}
		return text
	})
}

// both reads the text and what its escapes stand for. Where that has something to hide, it is shown
// instead.
func (h redactor) both(text string, conceal func(string) string) string {
	if open := unescape(text); open != text {
		if covered := conceal(open); covered != open {
			return covered
		}
	}
	return conceal(text)
}

// text hides what a provider's own words may hold: the above, and long numbers, which could be an
// account, a document or a card.
func (h redactor) text(text string) string {
	return h.both(text, func(text string) string {
		if text = h.redactOwn(text); strings.ContainsFunc(text, unicode.IsNumber) {
			text = longNumber.ReplaceAllString(text, hidden)
		}
		if CardInText(text) || SecurityCodeInText(text) {
			return hidden
		}
		return text
	})
}

const escapeRounds = 3

// unescape resolves percent signs, HTML's entities and \u escapes, also where one is written in
// another.
func unescape(text string) string {
	if !strings.ContainsAny(text, `%&\`) {
		return text
	}
	for range escapeRounds {
		open := unicodeEscape.ReplaceAllStringFunc(html.UnescapeString(unpercent(text)), func(escape string) string {
			n, err := strconv.ParseUint(escape[2:], 16, 16)
			if err != nil {
				return escape
			}
			return string(rune(n))
		})
		if open == text {
			break
		}
		text = open
	}
	return text
}

var (
	percents      = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2})+`)
	unicodeEscape = regexp.MustCompile(`\\u[0-9A-Fa-f]{4}`)
)

func unpercent(text string) string {
	return percents.ReplaceAllStringFunc(text, func(escapes string) string {
		open, err := url.PathUnescape(escapes)
		if err != nil || !utf8.ValidString(open) {
			return escapes
		}
		return open
	})
}
