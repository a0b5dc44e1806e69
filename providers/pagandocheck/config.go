// Package pagandocheck charges cards on file through Pagando Check (Mexico): in one step, or in two
// with an order that can be queried.
package pagandocheck

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
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

	// Wire bounds the exchanges. Auth names the account, "pagandocheck/default" unless set, and
	// says how its token is shared and renewed; what the provider fixes of it is the client's own.
	Wire wire.Options
	Auth auth.Options
}

const (
	// Name is the provider's in tasks, keys and settings.
	Name = "pagandocheck"

	setting = "REMESA_PAGANDOCHECK_"
)

// DefaultUncertain is the default of Config.UncertainDeclines: whatever speaks of a time-out or of
// no response, in English and Spanish.
func DefaultUncertain() []string {
	return []string{
		"timeout", "time-out", "time out", "time_out", "timed out", "tiempo de espera", "tiempo agotado", "tiempo excedido",
		"no answer", "no response", "no_response", "not respond", "sin respuesta", "sin_respuesta", "no respond", "no hubo respuesta",
		"no contest", "sin contest",
	}
}

func (c Config) withDefaults() Config {
	c.Origin = cmp.Or(c.Origin, "MAGENTO")
	c.TokenHeader = cmp.Or(c.TokenHeader, "Authorization: Bearer")
	c.Auth.Account = cmp.Or(c.Auth.Account, Name+"/default")
	if c.UncertainDeclines == nil {
		c.UncertainDeclines = DefaultUncertain()
	}
	if c.Auth.Now == nil {
		c.Auth.Now = time.Now
	}
	return c
}

// tokenHeader is a header's name, then perhaps a colon and a scheme.
var tokenHeader = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]{0,63})(?:: ?([A-Za-z][A-Za-z0-9-]{0,31})?)?$`)

// authorize puts the token into its header.
func (c Config) authorize(h http.Header, token providers.Secret) {
	parts := tokenHeader.FindStringSubmatch(c.TokenHeader)
	h.Set(parts[1], strings.TrimLeft(parts[2]+" "+token.Reveal(), " "))
}

var originPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}$`)

// check says what is wrong where something is.
func check(wrong bool, problem string) error {
	if wrong {
		return errors.New(problem)
	}
	return nil
}

func hasBlank(texts []string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.TrimSpace(text) == "" })
}

// New builds a client that charges in one step. It has no status query: a charge whose response is
// lost is held for an operator. It dials nothing.
func New(c Config) (*Client, error) {
	c = c.withDefaults()
	base, err := wire.ParseBase(c.BaseURL)
	if err := wire.CheckSettings(setting, []wire.Setting{
		{Name: "BASE_URL", Err: err},
		{Name: "USER", Err: wire.CheckSet(c.User)},
		{Name: "PASSWORD", Err: wire.CheckSet(c.Password.Reveal())},
		{Name: "ORIGIN", Err: check(!originPattern.MatchString(c.Origin), "must be a word of letters, digits, _, . or -, such as MAGENTO")},
		{
			Name: "TOKEN_HEADER",
			Err:  check(!tokenHeader.MatchString(c.TokenHeader), "must be a header's name, a colon and a scheme, such as Authorization: Bearer"),
		},
		{Name: "HARD_DECLINES", Err: check(hasBlank(c.HardDeclines), "has an empty code")},
		{Name: "UNCERTAIN_DECLINES", Err: check(hasBlank(c.UncertainDeclines), "has an empty text, which every decline would contain")},
	}); err != nil {
		return nil, err
	}
	client := &Client{config: c, base: base}
	c.Auth.Login, c.Auth.Lifetime, c.Auth.Authorize = client.login, tokenLifetime, c.authorize
	if client.api, err = auth.NewClient(c.Wire, c.Auth); err != nil {
		return nil, fmt.Errorf("%sCA_FILE: %w", setting, err)
	}
	return client, nil
}

// NewTwoStep builds a client that creates an order before it charges, so that the charge can be
// queried. It dials nothing.
func NewTwoStep(c Config) (*TwoStep, error) {
	client, err := New(c)
	if err != nil {
		return nil, err
	}
	return &TwoStep{one: client}, nil
}
