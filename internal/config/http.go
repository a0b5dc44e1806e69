package config

import (
	"errors"
	"net"
	"slices"
	"strconv"

	"github.com/remesa/remesa/internal/login"
	"github.com/remesa/remesa/providers"
)

// HTTP says where the worker listens and who may open the pages.
type HTTP struct {
	Addr                  string           `name:"http-addr" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address of /healthz, /readyz, /metrics and the dashboard."`
	DashboardUser         string           `placeholder:"NAME" help:"User of the dashboard (HTTP Basic)."`
	DashboardPassword     providers.Secret `name:"dashboard-password" placeholder:"TEXT" help:"Password of the dashboard."`
	DashboardPasswordFile string           `name:"dashboard-password-file" placeholder:"FILE" help:"File that holds the dashboard's password."`
	DashboardUsersFile    string           `name:"dashboard-users-file" placeholder:"FILE" help:"File of users with hashed passwords, a line NAME:HASH each; worker password makes one."`
	DashboardWritable     bool             `help:"Let the dashboard change things; without it people can only look."`
	MetricsAddr           string           `placeholder:"HOST:PORT" help:"Address of /metrics alone, which --http-addr then does not serve; without it /metrics is at --http-addr."`
	WebhookAddr           string           `placeholder:"HOST:PORT" help:"Address of the listener for provider webhooks; without it there is none."`
}

// ErrExposed means that the dashboard would be open to the network.
var ErrExposed = errors.New("REMESA_HTTP_ADDR: not on loopback, and the dashboard has no login: set REMESA_DASHBOARD_USER and REMESA_DASHBOARD_PASSWORD or REMESA_DASHBOARD_USERS_FILE, or listen on 127.0.0.1")

// RefuseExposed returns ErrExposed where others than this machine could open the dashboard without
// a login.
func (h *HTTP) RefuseExposed() error {
	host, _, err := net.SplitHostPort(h.Addr)
	if err == nil && isLoopback(host) || h.hasLogin() {
		return nil
	}
	return ErrExposed
}

func (h *HTTP) hasLogin() bool { return h.DashboardPassword != "" || h.DashboardUsersFile != "" }

// Users are those who may log in: the one of the settings, and those of the file.
func (h *HTTP) Users() ([]login.User, error) {
	var users []login.User
	if h.DashboardUsersFile != "" {
		text, err := secretFile(h.DashboardUsersFile)
		if err != nil {
			return nil, problem("REMESA_DASHBOARD_USERS_FILE", "%s", err)
		}
		users, err = login.ParseUsers(text)
		if err == nil && len(users) == 0 {
			err = errors.New("names nobody")
		}
		if err != nil {
			return nil, problem("REMESA_DASHBOARD_USERS_FILE", "%s", err)
		}
	}
	if h.DashboardPassword == "" {
		return users, nil
	}
	if slices.ContainsFunc(users, func(u login.User) bool { return u.Name == h.DashboardUser }) {
		return nil, problem("REMESA_DASHBOARD_USER", "stands in REMESA_DASHBOARD_USERS_FILE, too: nobody can tell which password is meant")
	}
	return append(users, login.Plain(h.DashboardUser, h.DashboardPassword.Reveal())), nil
}

func (h *HTTP) warnings() []string {
	if h.DashboardWritable && !h.hasLogin() {
		return []string{"REMESA_DASHBOARD_WRITABLE has no effect: nothing can be changed without a login; " +
			"set REMESA_DASHBOARD_USER and REMESA_DASHBOARD_PASSWORD, or REMESA_DASHBOARD_USERS_FILE"}
	}
	return nil
}

func (h *HTTP) complete() []error {
	var problems []error
	if !isListenAddr(h.Addr) {
		problems = append(problems, problem("REMESA_HTTP_ADDR", "must be HOST:PORT, such as 127.0.0.1:8080 (found %s)", shapeOf(h.Addr)))
	}
	if h.WebhookAddr != "" && !isListenAddr(h.WebhookAddr) {
		problems = append(problems, problem("REMESA_WEBHOOK_ADDR", "must be HOST:PORT, such as 0.0.0.0:8443 (found %s)", shapeOf(h.WebhookAddr)))
	}
	if h.MetricsAddr != "" && !isListenAddr(h.MetricsAddr) {
		problems = append(problems, problem("REMESA_METRICS_ADDR", "must be HOST:PORT, such as 0.0.0.0:9464 (found %s)", shapeOf(h.MetricsAddr)))
	}
	if (h.DashboardUser == "") != (h.DashboardPassword == "") {
		problems = append(problems, problem("REMESA_DASHBOARD_USER", "needs REMESA_DASHBOARD_PASSWORD, and the other way round"))
	}
	return append(problems, h.loginProblems()...)
}

// loginProblems refuses logins that can be guessed, on loopback as well: a proxy or a tunnel makes
// it reachable for others.
func (h *HTTP) loginProblems() []error {
	var problems []error
	if h.DashboardUser != "" {
		if err := login.CheckName(h.DashboardUser); err != nil {
			problems = append(problems, problem("REMESA_DASHBOARD_USER", "%s", err))
		}
	}
	if h.DashboardPassword != "" {
		if err := login.CheckPassword(h.DashboardPassword.Reveal()); err != nil {
			problems = append(problems, problem("REMESA_DASHBOARD_PASSWORD", "%s", err))
		}
	}
	if _, err := h.Users(); err != nil {
		problems = append(problems, err)
	}
	return problems
}

func isListenAddr(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 0 && n <= 65535
}
