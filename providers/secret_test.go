package providers

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

const canary = "canary-4111111111111111"

func TestASecretNeverPrintsItsValue(t *testing.T) {
	t.Parallel()
	s := Secret(canary)
	holder := struct {
		Card Card
		List []Secret
		Map  map[string]Secret
		Any  any
		Ptr  *Secret
	}{Card{Token: s}, []Secret{s}, map[string]Secret{"a": s}, s, &s}

	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		printed["fmt "+verb] = fmt.Sprintf(verb, s)
		printed["fmt of a struct "+verb] = fmt.Sprintf(verb, holder)
	}
	printed["an error"] = fmt.Errorf("token %s: %w", s, fmt.Errorf("bad %v", s)).Error()
	text, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	printed["json"] = string(text)
	if text, err = xml.Marshal(holder.Card); err != nil {
		t.Fatal(err)
	}
	printed["xml"] = string(text)
	var log bytes.Buffer
	logger := zerolog.New(&log)
	logger.Info().Interface("holder", holder).Any("secret", s).Stringer("stringer", s).Object("object", s).EmbedObject(s).Msg("")
	printed["zerolog"] = log.String()

	for how, text := range printed {
		if strings.Contains(text, canary) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", canary)) {
			t.Errorf("%s prints the value", how)
		}
	}
	if s.Reveal() != canary {
		t.Error("Reveal lost the value")
	}
	if got := Secret("").String(); got != "" {
		t.Errorf("an empty secret prints %q: it must show that nothing is set", got)
	}
}
