// Package redisserver starts a redis-server of its own for a measurement.
package redisserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is a redis-server on a free port, in a folder of its own.
type Server struct {
	Client *redis.Client
	Addr   string
	cmd    *exec.Cmd
	dir    string
}

// Start starts one and waits until it answers. settings are further arguments, such as
// "--appendonly", "yes".
func Start(ctx context.Context, settings ...string) (*Server, error) {
	dir, err := os.MkdirTemp("", "bench-redis")
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, Addr: "127.0.0.1:" + port}
	args := append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--logfile", filepath.Join(dir, "redis.log")},
		settings...)
	s.cmd = exec.CommandContext(ctx, "redis-server", args...) // #nosec G204 -- arguments of the measurement itself
	s.Client = redis.NewClient(&redis.Options{Addr: s.Addr})
	if err := s.cmd.Start(); err != nil {
		s.Stop()
		return nil, fmt.Errorf("redis-server must be on the PATH: %w", err)
	}
	return s, s.await(ctx)
}

func (s *Server) await(ctx context.Context) error {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := s.Client.Ping(ctx).Err()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			s.Stop()
			return fmt.Errorf("redis-server does not answer: %w", err)
		}
	}
}

// Stop kills it and removes its folder.
func (s *Server) Stop() {
	_ = s.Client.Close()
	if s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
	_ = os.RemoveAll(s.dir)
}

func freePort(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return strconv.Itoa(port), l.Close()
}

// Used is how much memory the server's data take, in bytes.
func (s *Server) Used(ctx context.Context) (int64, error) {
	info, err := s.Client.Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			return strconv.ParseInt(v, 10, 64)
		}
	}
	return 0, fmt.Errorf("INFO memory has no used_memory")
}

// CPU is how long the server was busy so far.
func (s *Server) CPU(ctx context.Context) (time.Duration, error) {
	info, err := s.Client.Info(ctx, "cpu").Result()
	if err != nil {
		return 0, err
	}
	total := 0.0
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return 0, err
			}
			total += seconds
		}
	}
	return time.Duration(total * float64(time.Second)), nil
}
