//go:build faultpoints

package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/engine"
)

// faultPoints lets a test kill or stop this process at a fault point: REMESA_FAULT is
// "point:kill:n" or "point:stop:n", where n is the visit at which it happens (the first is 1). The
// file REMESA_FAULT_FILE is created right before.
func faultPoints(log zerolog.Logger) func(engine.FaultPoint, idempotency.Key) {
	parts := strings.Split(os.Getenv("REMESA_FAULT"), ":")
	if len(parts) != 3 {
		return nil
	}
	n, _ := strconv.ParseInt(parts[2], 10, 64)
	signal := map[string]syscall.Signal{"kill": syscall.SIGKILL, "stop": syscall.SIGSTOP}[parts[1]]
	var visits atomic.Int64
	return func(s engine.FaultPoint, k idempotency.Key) {
		if string(s) != parts[0] || visits.Add(1) != n {
			return
		}
		log.Warn().Str("point", string(s)).Stringer("key", k).Str("signal", signal.String()).Msg("fault")
		_ = os.WriteFile(os.Getenv("REMESA_FAULT_FILE"), []byte(k.String()), 0o600)
		_ = syscall.Kill(os.Getpid(), signal)
	}
}
