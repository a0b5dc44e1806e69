package check

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// load reads a file as docker compose does, without the files that an operator has yet to write.
func load(text []byte) (*types.Project, error) {
	folder, err := filepath.Abs(deploy)
	if err != nil {
		return nil, err
	}
	details := types.ConfigDetails{
		WorkingDir:  folder,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(folder, "compose.yaml"), Content: text}},
		Environment: types.Mapping{},
	}
	return loader.LoadWithContext(context.Background(), details, func(o *loader.Options) { o.SkipResolveEnvironment = true })
}

func TestCompose(t *testing.T) {
	p, err := load(read(t, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"redis", "worker", "prometheus", "alertmanager", "alerts", "grafana"} {
		s, err := p.GetService(name)
		if err != nil {
			t.Fatal(err)
		}
		check(t, name, []rule{
			{"it comes back after a crash", s.Restart == "unless-stopped"},
			{"it has no capabilities of its own", slices.Equal(s.CapDrop, []string{"ALL"})},
			{"it cannot gain rights", slices.Contains(s.SecurityOpt, "no-new-privileges:true")},
			{"its image is a certain one", s.Build != nil || strings.Contains(s.Image, ":") && !strings.HasSuffix(s.Image, ":latest")},
		})
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is open to the network", name, port.Published)
			}
		}
		for _, v := range s.Volumes {
			if _, err := os.Stat(v.Source); v.Type == "bind" && err != nil {
				t.Errorf("%s: %s", name, err)
			}
		}
		for variable, value := range s.Environment {
			if secret := strings.Contains(variable, "PASSWORD") || strings.Contains(variable, "KEY"); secret && !strings.HasPrefix(*value, "/run/secrets/") {
				t.Errorf("%s: %s is no secret file", name, variable)
			}
			if path, ok := strings.CutPrefix(*value, "/run/secrets/"); ok && !slices.ContainsFunc(s.Secrets, func(c types.ServiceSecretConfig) bool { return c.Source == path }) {
				t.Errorf("%s: %s names a secret that it does not get", name, variable)
			}
		}
	}
	redis, worker, grafana := p.Services["redis"], p.Services["worker"], p.Services["grafana"]
	producer, operator := p.DisabledServices["producer"], p.DisabledServices["operator"]
	check(t, "compose.yaml", []rule{
		{"Redis has the settings of redis.conf and its password", slices.Contains(redis.Command, "/usr/local/etc/redis/redis.conf") && slices.Contains(redis.Command, "/run/secrets/redis_auth")},
		{"Redis listens to nobody outside", len(redis.Ports) == 0 && len(redis.Networks) == 1 && p.Networks["store"].Internal},
		{"Redis keeps its data", slices.ContainsFunc(redis.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Type == "volume" && v.Target == "/data" })},
		{"a worker may drain for lease + 30 s", time.Duration(*worker.StopGracePeriod) >= 90*time.Second},
		{"the worker waits for Redis", worker.DependsOn["redis"].Condition == types.ServiceConditionHealthy},
		{"the worker writes nothing", worker.ReadOnly},
		{"the producer is one of Redis' lesser users", *producer.Environment["REMESA_REDIS_URL_FILE"] == "/run/secrets/producer_redis_url"},
		{"the producer is enqueue", slices.Equal(producer.Entrypoint, []string{"/enqueue"})},
		{"the producer runs only when it is called", slices.Equal(producer.Profiles, []string{"producer"}) && producer.ReadOnly},
		{"the operator is enqueue, as the worker's user of Redis", slices.Equal(operator.Entrypoint, []string{"/enqueue"}) &&
			*operator.Environment["REMESA_REDIS_URL_FILE"] == *worker.Environment["REMESA_REDIS_URL_FILE"]},
		{"the operator runs only when it is called", slices.Equal(operator.Profiles, []string{"operator"}) && operator.ReadOnly},
		{"the worker's pages need a login", worker.Environment["REMESA_DASHBOARD_USER"] != nil && worker.Environment["REMESA_DASHBOARD_PASSWORD_FILE"] != nil},
		{"Grafana needs a login", *grafana.Environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false" && grafana.Environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] != nil},
	})
}

func TestAMistakeInComposeIsFound(t *testing.T) {
	good := string(read(t, "compose.yaml"))
	for sentence, change := range map[string][2]string{
		"a field that is misspelt":       {"stop_grace_period", "stop_graceperiod"},
		"a secret that is not defined":   {"secrets: [redis_auth]", "secrets: [redis_pass]"},
		"a network that is not defined":  {"networks: [store, watch, outside]", "networks: [store, outer]"},
		"a service that depends on none": {"      redis:\n        condition", "      rediss:\n        condition"},
		"a duration that is none":        {"interval: 5s", "interval: often"},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Errorf("%s: nothing was changed", sentence)
		}
		if _, err := load([]byte(bad)); err == nil {
			t.Errorf("%s is accepted", sentence)
		}
	}
}

// TestSecretsScript makes each secret that compose.yaml names and that is no provider's.
func TestSecretsScript(t *testing.T) {
	p, err := load(read(t, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "secrets")
	first := secrets(t, folder)
	for name := range p.Secrets {
		if _, made := first[name]; !made && !strings.HasPrefix(name, "virtualpos_") {
			t.Errorf("secrets.sh makes no %s", name)
		}
	}
	auth, producer, _ := strings.Cut(first["redis_auth"], "\n")
	password, _ := strings.CutPrefix(auth, "requirepass ")
	theirs, _ := strings.CutPrefix(producer, "user producer on >")
	theirs, _, _ = strings.Cut(theirs, " ")
	if len(theirs) < 32 || theirs == password || strings.Count(producer, "\n") != 1 ||
		first["producer_redis_url"] != "redis://producer:"+theirs+"@redis:6379/0\n" {
		t.Errorf("%q, %q", producer, first["producer_redis_url"])
	}
	if len(password) < 32 || first["redis_url"] != "redis://:"+password+"@redis:6379/0\n" {
		t.Errorf("%q, %q", first["redis_auth"], first["redis_url"])
	}
	if again := secrets(t, folder); again["redis_url"] != first["redis_url"] || again["redis_auth"] != first["redis_auth"] ||
		again["producer_redis_url"] != first["producer_redis_url"] || again["dashboard_password"] != first["dashboard_password"] {
		t.Error("the second run makes other passwords")
	}
}
