package redisurl

import (
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestRedisURLs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		url  string
		want redis.UniversalOptions
		tls  bool
	}{
		{"redis://127.0.0.1:6379/0", redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}}, false},
		{"redis://host", redis.UniversalOptions{Addrs: []string{"host:6379"}}, false},
		{"redis://host/3", redis.UniversalOptions{Addrs: []string{"host:6379"}, DB: 3}, false},
		{"redis://:p%40ss%2F@host:7000/1", redis.UniversalOptions{Addrs: []string{"host:7000"}, Password: "p@ss/", DB: 1}, false},
		{"redis://user:a:b@c@host", redis.UniversalOptions{Addrs: []string{"host:6379"}, Username: "user", Password: "a:b@c"}, false},
		{"redis://[::1]:7000/0", redis.UniversalOptions{Addrs: []string{"[::1]:7000"}}, false},
		{"redis://[::1]", redis.UniversalOptions{Addrs: []string{"[::1]:6379"}}, false},
		{"rediss://user:pw@host", redis.UniversalOptions{Addrs: []string{"host:6379"}, Username: "user", Password: "pw"}, true},
		{"redis-sentinel://h1,h2:7/2?master=m", redis.UniversalOptions{Addrs: []string{"h1:26379", "h2:7"}, DB: 2, MasterName: "m"}, false},
		{"redis-sentinel://u:p@h1?master=m&sentinel_password=s&tls=true", redis.UniversalOptions{Addrs: []string{"h1:26379"}, MasterName: "m", Username: "u", Password: "p", SentinelPassword: "s"}, true},
		{"redis-cluster://h1,h2", redis.UniversalOptions{Addrs: []string{"h1:6379", "h2:6379"}, IsClusterMode: true}, false},
		{"redis-cluster://:p@h1:1/0?tls=true", redis.UniversalOptions{Addrs: []string{"h1:1"}, IsClusterMode: true, Password: "p"}, true},
	} {
		got, err := parse(row.url)
		if err != nil {
			t.Errorf("%s: %s", row.url, err)
			continue
		}
		same := slices.Equal(got.Addrs, row.want.Addrs) && got.DB == row.want.DB && got.Username == row.want.Username && got.Password == row.want.Password &&
			got.MasterName == row.want.MasterName && got.SentinelPassword == row.want.SentinelPassword && got.IsClusterMode == row.want.IsClusterMode && (got.TLSConfig != nil) == row.tls
		if !same {
			t.Errorf("%s: addrs %q, db %d, user %q, master %q, cluster %t, tls %t", row.url, got.Addrs, got.DB, got.Username, got.MasterName, got.IsClusterMode, got.TLSConfig != nil)
		}
	}
}
