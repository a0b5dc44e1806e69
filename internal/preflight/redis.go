package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Expect is what Redis has to promise.
type Expect struct {
	// Durability is always or everysec, the weakest that is accepted.
	Durability string
	// Replicas must be connected to each primary, and acknowledge what is sent.
	Replicas int
	// Sentinel: the primary is chosen by sentinels, so that a replica may take its place at any
	// time.
	Sentinel bool
	// Real: payments go to real providers, so what cannot be read counts as broken.
	Real bool
	// MemoryStop is the share of maxmemory at which intake stops; zero is 0.7.
	MemoryStop float64
	// Now is this machine's clock; nil is time.Now.
	Now func() time.Time
}

// What clocks may differ by: leases follow the store's clock, but asynq's own follow this
// machine's.
const (
	skewWarn = time.Second
	skewFail = 20 * time.Second
)

const (
	defaultMemoryStop = 0.7
	memoryWarn        = 0.6
)

// CheckRedis checks each primary behind the client. It changes nothing, and tolerates servers that
// refuse CONFIG or INFO.
func CheckRedis(ctx context.Context, rdb redis.UniversalClient, expect Expect) []Finding {
	return onEachPrimary(ctx, rdb, func(ctx context.Context, node redis.Cmdable, where string) []Finding {
		return checkNode(ctx, node, expect, where)
	})
}

// CheckSends returns the findings because of which Redis lets nothing be sent now; none where sends
// are possible. It is the part of CheckRedis that callers may repeat every few seconds.
func CheckSends(ctx context.Context, rdb redis.UniversalClient, expect Expect) []Finding {
	found := onEachPrimary(ctx, rdb, func(ctx context.Context, node redis.Cmdable, where string) []Finding {
		return sendFindings(ctx, node, expect, where)
	})
	return slices.DeleteFunc(found, func(f Finding) bool { return !f.Stops })
}

type nodeCheck func(ctx context.Context, node redis.Cmdable, where string) []Finding

func onEachPrimary(ctx context.Context, rdb redis.UniversalClient, check nodeCheck) []Finding {
	cluster, ok := rdb.(*redis.ClusterClient)
	if !ok {
		return check(ctx, rdb, "")
	}
	var mu sync.Mutex
	var findings []Finding
	checked := false
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		found := check(ctx, node, " on "+node.Options().Addr)
		mu.Lock()
		defer mu.Unlock()
		checked, findings = true, append(findings, found...)
		return nil
	})
	if err != nil || !checked {
		return []Finding{unreachable("", err)}
	}
	slices.SortStableFunc(findings, func(a, b Finding) int { return strings.Compare(nodeOf(a), nodeOf(b)) })
	return findings
}

func nodeOf(f Finding) string {
	_, node, _ := strings.Cut(f.Name, " on ")
	return node
}

// checkNode checks one server; where tells it from others in the findings' names.
func checkNode(ctx context.Context, rdb redis.Cmdable, expect Expect, where string) []Finding {
	if err := rdb.Ping(ctx).Err(); err != nil {
		return []Finding{unreachable(where, err)}
	}
	n := read(ctx, rdb, expect, "server", "replication", "persistence", "memory")
	n.readConfig(ctx, rdb)
	return withNode(where, n.version(), n.role(), n.appendonly(), n.appendfsync(), n.lastWrite(), n.policy(), n.replicas(), n.writes(ctx, rdb),
		n.memory(), clock(ctx, rdb, expect))
}

// sendFindings is the part of checkNode that says whether a payment can be begun.
func sendFindings(ctx context.Context, rdb redis.Cmdable, expect Expect, where string) []Finding {
	if err := rdb.Ping(ctx).Err(); err != nil {
		return []Finding{unreachable(where, err)}
	}
	n := read(ctx, rdb, expect, "replication")
	return withNode(where, n.role(), n.replicas(), n.writes(ctx, rdb))
}

// withNode leaves out the checks that found nothing to say, and adds the server to the names of the
// others.
func withNode(where string, all ...Finding) []Finding {
	all = slices.DeleteFunc(all, func(f Finding) bool { return f.Name == "" })
	for i := range all {
		all[i].Name += where
	}
	return all
}

func unreachable(where string, err error) Finding {
	return Finding{
		Name: "connection" + where, Level: Fail, Got: fmt.Sprintf("no answer (%v)", err), Want: "an answer to PING", Unsafe: true, Fatal: true, Stops: true,
		Fix: "check REMESA_REDIS_URL, that the server runs, and that user and password are right",
	}
}

// node is what a server says about itself; what it refuses to say is missing.
type node struct {
	config, info map[string]string
	expect       Expect
}

func read(ctx context.Context, rdb redis.Cmdable, expect Expect, sections ...string) node {
	n := node{config: map[string]string{}, info: map[string]string{}, expect: expect}
	for _, section := range sections {
		text, err := rdb.Info(ctx, section).Result()
		if err != nil {
			continue
		}
		for line := range strings.Lines(text) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				n.info[name] = value
			}
		}
	}
	return n
}

func (n node) readConfig(ctx context.Context, rdb redis.Cmdable) {
	for _, name := range []string{"appendonly", "appendfsync", "maxmemory-policy", "maxmemory"} {
		if values, err := rdb.ConfigGet(ctx, name).Result(); err == nil && values[name] != "" {
			n.config[name] = values[name]
		}
	}
}

func (n node) version() Finding {
	f := Finding{Name: "Redis version", Got: n.info["redis_version"], Want: "7.0 or newer"}
	if f.Got == "" {
		return n.unreadable(f, "INFO server", "use a server that answers INFO, of version 7.0 or newer")
	}
	major, _, _ := strings.Cut(f.Got, ".")
	if v, err := strconv.Atoi(major); err != nil || v < 7 {
		f.Fatal = true
		return fail(f, "install Redis 7.0 or newer: results could not be recorded on a full older one")
	}
	return ok(f)
}

func (n node) role() Finding {
	f := Finding{Name: "role", Got: n.info["role"], Want: "master"}
	switch f.Got {
	case "":
		return Finding{}
	case "master":
		return ok(f)
	default:
		f.Fatal, f.Stops = true, true
		return fail(f, "this is a read-only replica: let REMESA_REDIS_URL name the primary, or the sentinels that know it")
	}
}

func (n node) appendonly() Finding {
	f := Finding{Name: "appendonly", Want: "yes"}
	f.Got = n.config["appendonly"]
	if f.Got == "" {
		f.Got = map[string]string{"1": "yes", "0": "no"}[n.info["aof_enabled"]]
	}
	return n.setting(f, f.Got == f.Want)
}

// appendfsync must be as strong as expected, or stronger.
func (n node) appendfsync() Finding {
	f := Finding{Name: "appendfsync", Got: n.config["appendfsync"], Want: n.expect.Durability}
	return n.setting(f, f.Got == "always" || f.Got == "everysec" && f.Want == "everysec")
}

func (n node) policy() Finding {
	f := Finding{Name: "maxmemory-policy", Want: "noeviction"}
	f.Got = n.config["maxmemory-policy"]
	if f.Got == "" {
		f.Got = n.info["maxmemory_policy"]
	}
	return n.setting(f, f.Got == f.Want)
}

// setting judges a line of redis.conf whose wrong value may lose payments.
func (n node) setting(f Finding, good bool) Finding {
	fix := n.change(f.Name, f.Want)
	switch {
	case f.Got == "":
		return n.unreadable(f, "CONFIG GET "+f.Name, "make sure that the server has "+f.Name+" "+f.Want+", and let the user of REMESA_REDIS_URL run CONFIG GET")
	case good:
		return ok(f)
	default:
		f.Unsafe = true
		if f.Name == "appendfsync" && f.Got == "everysec" {
			fix += "; or set REMESA_REDIS_DURABILITY=everysec and accept that a power cut forgets up to 2 s of intents"
		}
		return fail(f, fix)
	}
}

// change says how to change a setting. On a server that refuses CONFIG, CONFIG SET is no help:
// whoever runs the server must change it.
func (n node) change(name, value string) string {
	if n.config[name] == "" {
		return fmt.Sprintf("CONFIG is refused here: let whoever runs the server set `%s %s` (a managed one: its parameters; else redis.conf)", name, value)
	}
	return fmt.Sprintf("run `redis-cli CONFIG SET %s %s`, and put the line `%s %s` into redis.conf so that it survives a restart", name, value, name, value)
}

// lastWrite reports a failed write of the append-only file only: the server then refuses writes, or
// forgets them.
func (n node) lastWrite() Finding {
	if n.info["aof_last_write_status"] != "err" {
		return Finding{}
	}
	f := Finding{Name: "append-only file", Got: "its last write failed", Want: "every write succeeds", Unsafe: true}
	return fail(f, "look for a full or broken disk on the server, and at its log")
}

func (n node) replicas() Finding {
	f := Finding{Name: "connected replicas", Got: n.info["connected_slaves"], Want: fmt.Sprintf("%d or more", n.expect.Replicas)}
	count, err := strconv.Atoi(f.Got)
	switch {
	case n.expect.Replicas == 0:
		return n.failover(count)
	case err != nil:
		return n.unreadable(f, "INFO replication", "let the user of REMESA_REDIS_URL run INFO")
	case count < n.expect.Replicas:
		f.Stops = true
		return fail(f, "connect replicas, or lower REMESA_LEDGER_REPLICAS: until then nothing is sent")
	default:
		return ok(f)
	}
}

// mayWrite is a script that writes nothing, but says by its flags, of which it has none, that it
// might: Redis refuses it exactly when it would refuse Begin.
const mayWrite = "#!lua\nreturn 1"

// writes tries whether Redis would take the Begin of a payment now. A replica is reported by its
// role, and not tried.
func (n node) writes(ctx context.Context, rdb redis.Cmdable) Finding {
	f := Finding{Name: "writes", Got: "taken", Want: "taken"}
	if n.info["role"] == "slave" {
		return Finding{}
	}
	// Behind another command in a pipeline, because a refusal alone is tried again and again by the
	// client.
	pipe := rdb.Pipeline()
	pipe.Ping(ctx)
	tried := pipe.Eval(ctx, mayWrite, nil)
	_, _ = pipe.Exec(ctx) // each command has its own error
	err := tried.Err()
	var reply redis.Error
	switch {
	case err == nil, errors.As(err, &reply) && strings.Contains(err.Error(), "compiling script"): // an embedded store, which knows no flags
		return ok(f)
	case !errors.As(err, &reply):
		return unreachable("", err)
	}
	code, _, _ := strings.Cut(err.Error(), " ")
	f.Got, f.Stops = "refused ("+code+")", true
	if fix, known := refusals[code]; known {
		return fail(f, fix)
	}
	return fail(f, "look at the server's log, and at what the user of REMESA_REDIS_URL may do: nothing is sent until it runs scripts")
}

// refusals are Redis' own words for why it takes no writes, and what to do.
var refusals = map[string]string{
	"OOM":        "Redis is full: raise maxmemory, or wait until payments are final; until then nothing is sent, and results are still recorded",
	"READONLY":   "this is a read-only replica: let REMESA_REDIS_URL name the primary, or the sentinels that know it",
	"MISCONF":    "Redis cannot write to its disk: look for a full or broken one on the server, and at its log",
	"NOREPLICAS": "fewer replicas are connected than min-replicas-to-write asks for: connect them, or lower it",
}

// failover judges a primary for whose replicas no worker waits: the one that takes its place may
// lack the newest intents, and their payments would be sent again.
func (n node) failover(replicas int) Finding {
	f := Finding{Name: "REMESA_LEDGER_REPLICAS", Want: "1 or more", Unsafe: true}
	switch {
	case n.expect.Sentinel:
		f.Got = "0 behind Sentinel"
	case replicas > 0:
		f.Got = fmt.Sprintf("0 with connected replicas (%d)", replicas)
	default:
		return Finding{}
	}
	f = fail(f, "set REMESA_LEDGER_REPLICAS=1 for workers and producers, so that nothing is sent before a replica has its intent: after a "+
		"failover to one that lacks it, the payment would be sent again")
	if !n.expect.Real {
		f.Level = Warn
	}
	return f
}

func (n node) memory() Finding {
	stop := n.expect.MemoryStop
	if stop == 0 {
		stop = defaultMemoryStop
	}
	f := Finding{Name: "memory", Want: fmt.Sprintf("below %.0f %% of maxmemory", 100*stop)}
	used, errUsed := strconv.ParseFloat(n.info["used_memory"], 64)
	limit, errLimit := strconv.ParseFloat(n.info["maxmemory"], 64)
	switch {
	case errUsed != nil || errLimit != nil:
		f.Level, f.Got = Warn, "cannot be read"
		f.Fix = "watch the server's memory by other means: INFO memory is refused here"
		return f
	case limit == 0:
		f.Level, f.Got = Warn, "no maxmemory"
		f.Fix = "set maxmemory (redis.conf) to what the machine can spare: without it the system may kill a full Redis, and intake cannot stop in time"
		return f
	}
	share := used / limit
	f.Got = fmt.Sprintf("%.0f %% of maxmemory", 100*share)
	fix := n.change("maxmemory", "…") + ": more than now; or let final payments age out sooner (REMESA_LEDGER_RETENTION)"
	return graded(f, share >= memoryWarn, share >= stop, fix)
}

// clock compares the clocks, and allows for half of the round trip, which it cannot tell from a
// difference.
func clock(ctx context.Context, rdb redis.Cmdable, expect Expect) Finding {
	now := expect.Now
	if now == nil {
		now = time.Now
	}
	f := Finding{Name: "clock against Redis", Want: "less than " + skewWarn.String() + " apart"}
	before := now()
	theirs, err := rdb.Time(ctx).Result()
	if err != nil {
		f.Level, f.Got, f.Fix = Warn, "cannot be read", "let the user of REMESA_REDIS_URL run TIME: the ledger needs it"
		return f
	}
	trip := now().Sub(before)
	apart := theirs.Sub(before.Add(trip / 2)).Abs()
	f.Got = apart.Round(time.Millisecond).String() + " apart"
	const fix = "let NTP (chrony, systemd-timesyncd) set the clocks of this machine and of Redis"
	certain := apart - trip/2
	return graded(f, certain >= skewWarn, certain >= skewFail, fix)
}

// graded fails what is bad, and warns of what is suspicious.
func graded(f Finding, suspicious, bad bool, fix string) Finding {
	switch {
	case bad:
		return fail(f, fix)
	case suspicious:
		f.Level, f.Fix = Warn, fix
		return f
	default:
		return ok(f)
	}
}

func ok(f Finding) Finding {
	f.Level = OK
	return f
}

func fail(f Finding, fix string) Finding {
	f.Level, f.Fix = Fail, fix
	return f
}

// unreadable is a finding about a value that the server does not give: unsafe, because it may be
// anything.
func (n node) unreadable(f Finding, command, fix string) Finding {
	f.Level, f.Got, f.Fix, f.Unsafe = Warn, "cannot be read ("+command+" is refused)", fix, true
	if n.expect.Real {
		f.Level = Fail
	}
	return f
}
