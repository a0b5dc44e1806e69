package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is a redis-server in a folder of its own, reached over a socket file.
type server struct {
	client *redis.Client
	cmd    *exec.Cmd
	dir    string
}

func startRedis(ctx context.Context) (*server, error) {
	dir, err := os.MkdirTemp("", "recordsize")
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "redis.sock")
	s := &server{
		dir: dir,
		cmd: exec.CommandContext(ctx, "redis-server", "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "",
			"--appendonly", "no", "--logfile", filepath.Join(dir, "redis.log")),
		client: redis.NewClient(&redis.Options{Addr: socket, Dialer: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", addr)
		}}),
	}
	if err := s.cmd.Start(); err != nil {
		s.stop()
		return nil, fmt.Errorf("redis-server must be on the PATH: %w", err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if err = s.client.Ping(ctx).Err(); err == nil {
			return s, nil
		}
		if time.Now().After(deadline) {
			s.stop()
			return nil, fmt.Errorf("redis-server does not answer: %w", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *server) stop() {
	_ = s.client.Close()
	if s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
	_ = os.RemoveAll(s.dir)
}
