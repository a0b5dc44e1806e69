// Package pagandocheck charges cards on file through Pagando Check (Mexico): in one step, or in two
// with an order that can be asked about.
package pagandocheck

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// Config holds the settings of one account.
type Config struct {
	// BaseURL is the host, with a prefix where there is one; /v1/pagando/… is added.
	BaseURL  string
	User     string
	Password providers.Secret
	// Origin is the originECommerce of an order; "MAGENTO" unless set.
	Origin string
	// TokenHeader is the header's name and the token's scheme in it, "Authorization: Bearer"
	// unless set; "authorization:" sends the token bare, as the provider's plugins do.
	TokenHeader string
	// HardDeclines are codes or keys of declines that no later charge of the card can turn into a
	// success, such as "SWITCH_4041". None is documented.
	HardDeclines []string
	// UncertainDeclines are parts of a decline's key or message that leave open whether the card
	// was charged; nil means DefaultUncertain().
	UncertainDeclines []string

	// Timeout, IdleTimeout, Concurrency and CAFile are those of wire.Options.
	Timeout     time.Duration
	IdleTimeout time.Duration
	Concurrency int
	CAFile      string

	// Account, Shared, Cooldown and Renewed are those of auth.Options; Account is
	// "pagandocheck/default" unless set.
	Account  string
	Shared   auth.Shared
	Cooldown time.Duration
	Renewed  func(reason string)
	// Now is time.Now unless set, Random yields numbers in [0,1).
	Now    func() time.Time
	Random func() float64
}

const setting = "REMESA_PAGANDOCHECK_"

// DefaultUncertain is the default of Config.UncertainDeclines: whatever speaks of a time-out or of
// no answer, in English and Spanish.
func DefaultUncertain() []string {
	return []string{
		"timeout", "time-out", "time out", "time_out", "timed out", "tiempo de espera", "tiempo agotado", "tiempo excedido",
		"no answer", "no response", "no_response", "not respond", "sin respuesta", "sin_respuesta", "no respond", "no hubo respuesta",
		"no contest", "sin contest",
	}
}

func (c Config) withDefaults() Config {
	c.Origin = orDefault(c.Origin, "MAGENTO")
	c.TokenHeader = orDefault(c.TokenHeader, "Authorization: Bearer")
	c.Account = orDefault(c.Account, providers.PagandoCheck+"/default")
	if c.UncertainDeclines == nil {
		c.UncertainDeclines = DefaultUncertain()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// tokenHeader is a header's name, then perhaps a colon and a scheme.
var tokenHeader = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]{0,63})(?:: ?([A-Za-z][A-Za-z0-9-]{0,31})?)?$`)

// authorize puts the token into its header.
func (c Config) authorize(h http.Header, token providers.Secret) {
	parts := tokenHeader.FindStringSubmatch(c.TokenHeader)
	h.Set(parts[1], strings.TrimLeft(parts[2]+" "+token.Reveal(), " "))
}

var originPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}$`)

// check names the setting that is wrong, and never its value.
func (c Config) check() error {
	for _, s := range []struct {
		name string
		bad  bool
		err  error
	}{
		{"USER", c.User == "", errors.New("must be set")},
		{"PASSWORD", c.Password == "", errors.New("must be set")},
		{"ORIGIN", !originPattern.MatchString(c.Origin), errors.New("must be a word of letters, digits, _, . or -, such as MAGENTO")},
		{"TOKEN_HEADER", !tokenHeader.MatchString(c.TokenHeader), errors.New("must be a header's name, a colon and a scheme, such as Authorization: Bearer")},
		{"HARD_DECLINES", hasBlank(c.HardDeclines), errors.New("has an empty code")},
		{"UNCERTAIN_DECLINES", hasBlank(c.UncertainDeclines), errors.New("has an empty text, which every decline would contain")},
	} {
		if s.bad {
			return fmt.Errorf("%s%s: %w", setting, s.name, s.err)
		}
	}
	return nil
}

func hasBlank(texts []string) bool {
	for _, text := range texts {
		if strings.TrimSpace(text) == "" {
			return true
		}
	}
	return false
}

// New builds a client that charges in one step. It cannot be asked: a charge whose answer is lost
// waits for a person. It dials nothing.
func New(c Config) (*Client, error) {
	c = c.withDefaults()
	base, err := wire.ParseBase(c.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("%sBASE_URL: %w", setting, err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	w, err := wire.New(wire.Options{Timeout: c.Timeout, IdleTimeout: c.IdleTimeout, Concurrency: c.Concurrency, CAFile: c.CAFile})
	if err != nil {
		return nil, fmt.Errorf("%sCA_FILE: %w", setting, err)
	}
	client := &Client{config: c, base: base, wire: w}
	client.tokens = auth.New(auth.Options{
		Account: c.Account, Login: client.login, Lifetime: tokenLifetime, Timeout: c.Timeout,
		Shared: c.Shared, Cooldown: c.Cooldown, Now: c.Now, Random: c.Random, Renewed: c.Renewed,
	})
	return client, nil
}

// NewTwoStep builds a client that creates an order before it charges, so that the charge can be
// asked about. It dials nothing.
func NewTwoStep(c Config) (*TwoStep, error) {
	client, err := New(c)
	if err != nil {
		return nil, err
	}
	return &TwoStep{one: client}, nil
}

func (c *Client) url(path string, query url.Values) string {
	address := strings.TrimRight(c.base.String(), "/") + path
	if len(query) == 0 {
		return address
	}
	return address + "?" + query.Encode()
}
