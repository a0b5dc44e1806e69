package deploytest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/preflight"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
)

const testTimeout = 60 * time.Second

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// password takes the place of each CHANGE-ME.
const password = "p4ssword-of-a-test"

// store is a Redis started with redis.conf and users.acl.
type store struct{ *redistest.Server }

func (s store) as(user string) string {
	return fmt.Sprintf("redis://%s:%s@%s/0", user, password, s.Addr())
}

func (s store) client(t testing.TB, user string) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: s.Addr(), Username: user, Password: password})
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

func startStore(t testing.TB) store {
	t.Helper()
	users := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(users, []byte(strings.ReplaceAll(file(t, "deploy/redis/users.acl"), "CHANGE-ME", password)), 0o600); err != nil {
		t.Fatal(err)
	}
	return store{redistest.Start(t, redistest.Conf(file(t, "deploy/redis/redis.conf")), redistest.Setting("aclfile", users),
		redistest.User("admin", password))}
}

// TestRedisIsAsPaymentsNeedIt: with the files as they are, preflight has nothing to say, to the
// user that workers are.
func TestRedisIsAsPaymentsNeedIt(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	findings := preflight.CheckRedis(t.Context(), s.client(t, "remesa"), preflight.Expect{Durability: "always", Real: true})
	if len(findings) < 6 {
		t.Errorf("only %d findings", len(findings))
	}
	for _, f := range findings {
		if f.Level != preflight.OK {
			t.Errorf("%+v", f)
		}
	}
}

func TestUsersOfRedis(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	ctx := t.Context()
	if err := redis.NewClient(&redis.Options{Addr: s.Addr()}).Ping(ctx).Err(); err == nil {
		t.Error("somebody without a name gets in")
	}
	for _, row := range []struct {
		user    string
		command []any
		allowed bool
	}{
		{"remesa", []any{"set", "remesa:{virtualpos}:x", "1"}, true},
		{"remesa", []any{"lpush", "asynq:{virtualpos}:pending", "1"}, true},
		{"remesa", []any{"config", "get", "appendfsync"}, true},
		{"remesa", []any{"publish", "asynq:cancel", "x"}, true},
		{"remesa", []any{"set", "somebody-elses", "1"}, false},
		{"remesa", []any{"flushall"}, false},
		{"remesa", []any{"config", "set", "appendonly", "no"}, false},
		{"remesa", []any{"shutdown"}, false},
		{"remesa", []any{"acl", "list"}, false},
		{"producer", []any{"set", "remesa:{virtualpos}:p:x", "1"}, true},
		{"producer", []any{"zadd", "remesa:{virtualpos}:due", "1", "x"}, true},
		{"producer", []any{"get", "remesa:{virtualpos}:halts"}, true},
		{"producer", []any{"del", "remesa:{virtualpos}:p:x"}, false},
		{"producer", []any{"unlink", "remesa:{virtualpos}:p:x"}, false},
		{"producer", []any{"getdel", "remesa:{virtualpos}:p:x"}, false},
		{"producer", []any{"expire", "remesa:{virtualpos}:p:x", "1"}, false},
		{"producer", []any{"rename", "remesa:{virtualpos}:p:x", "remesa:{virtualpos}:p:y"}, false},
		{"producer", []any{"eval", "return redis.call('DEL', KEYS[1])", "1", "remesa:{virtualpos}:p:x"}, false},
		{"producer", []any{"set", "remesa:{virtualpos}:due", "1"}, false},
		{"producer", []any{"set", "remesa:{virtualpos}:outcomes", "1"}, false},
		{"producer", []any{"hset", "remesa:{virtualpos}:halted", "*", "1"}, false},
		{"producer", []any{"hset", "remesa:{virtualpos}:identity", "default", "1"}, false},
		{"producer", []any{"zrem", "remesa:{virtualpos}:due", "x"}, false},
		{"producer", []any{"hdel", "remesa:{virtualpos}:halted", "*"}, false},
		{"producer", []any{"get", "somebody-elses"}, false},
		{"producer", []any{"flushall"}, false},
		{"producer", []any{"flushdb"}, false},
		{"producer", []any{"keys", "*"}, false},
		{"producer", []any{"config", "get", "*"}, false},
		{"producer", []any{"script", "flush"}, false},
		{"producer", []any{"acl", "list"}, false},
		{"producer", []any{"lpop", "asynq:{virtualpos}:pending"}, false},
		{"billing", []any{"xreadgroup", "group", "g", "c", "streams", "remesa:{virtualpos}:outcomes", ">"}, true},
		{"billing", []any{"zadd", "remesa:{virtualpos}:outcomes:handled:g", "1", "x"}, true},
		{"billing", []any{"xadd", "remesa:{virtualpos}:outcomes", "*", "state", "succeeded"}, false},
		{"billing", []any{"xtrim", "remesa:{virtualpos}:outcomes", "maxlen", "0"}, false},
		{"billing", []any{"xdel", "remesa:{virtualpos}:outcomes", "1-1"}, false},
		{"billing", []any{"xgroup", "destroy", "remesa:{virtualpos}:outcomes", "g"}, false},
		{"billing", []any{"get", "remesa:{virtualpos}:p:x"}, false},
		{"billing", []any{"zadd", "remesa:{virtualpos}:due", "1", "x"}, false},
		{"billing", []any{"flushall"}, false},
		{"keda", []any{"llen", "asynq:{virtualpos}:pending"}, true},
		{"keda", []any{"lpop", "asynq:{virtualpos}:pending"}, false},
		{"sentinel", []any{"role"}, true},
		{"sentinel", []any{"get", "remesa:{virtualpos}:x"}, false},
	} {
		err := s.client(t, row.user).Do(ctx, row.command...).Err()
		if refusedByACL(err) == row.allowed {
			t.Errorf("%s: %v: %v, want allowed %t", row.user, row.command, err, row.allowed)
		}
	}
}

// refusedByACL: the command itself, or one in its script.
func refusedByACL(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return strings.HasPrefix(text, "NOPERM") || strings.Contains(text, "ACL failure in script") || // Redis 7.2
		strings.Contains(text, "The user executing the script can't") // Redis 7.0
}

// TestSentinelsKnowThePrimary: with sentinel.conf, pointed at a primary.
func TestSentinelsKnowThePrimary(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	port := freePort(t)
	conf := strings.NewReplacer(
		"port 26379", "port "+port, "sentinel monitor remesa 127.0.0.1 6379 2", "sentinel monitor remesa "+strings.Replace(s.Addr(), ":", " ", 1)+" 2",
		"# sentinel auth-user", "sentinel auth-user", "# sentinel auth-pass", "sentinel auth-pass", "CHANGE-ME", password,
	).Replace(file(t, "deploy/redis/sentinel.conf"))
	own := filepath.Join(t.TempDir(), "sentinel.conf")
	if err := os.WriteFile(own, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := processtest.Command(redistest.Executable(), nil, own, "--sentinel")
	cmd.Dir = filepath.Dir(own)
	processtest.Start(t, "sentinel", cmd)
	sentinel := redis.NewSentinelClient(&redis.Options{Addr: "127.0.0.1:" + port})
	defer sentinel.Close()
	eventually.NoError(t, testTimeout, func() error {
		addr, err := sentinel.GetMasterAddrByName(t.Context(), "remesa").Result()
		if err != nil || strings.Join(addr, ":") != s.Addr() {
			return fmt.Errorf("the primary is at %v: %w", addr, err)
		}
		primary, err := sentinel.Master(t.Context(), "remesa").Result()
		// It connected to the primary as its user, so that it knows the primary's INFO.
		if err != nil || primary["role-reported"] != "master" || primary["flags"] != "master" || primary["quorum"] != "2" || primary["runid"] == "" {
			return fmt.Errorf("%v: %w", primary, err)
		}
		return nil
	})
}
