// Package postgres starts a PostgreSQL server of its own for a measurement.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/remesa/remesa/bench/process"
)

// ErrMissing: no PostgreSQL server is installed, or none may be started here.
var ErrMissing = errors.New("no PostgreSQL server")

// Server listens on a socket in a folder of its own.
type Server struct {
	// DSN opens its database.
	DSN string
	// Version is what it says of itself.
	Version string
	dir     string
	process *process.Process
}

// find returns a program of PostgreSQL's server, which Debian keeps off the PATH.
func find(name string) (string, error) {
	if found, err := exec.LookPath(name); err == nil {
		return found, nil
	}
	places, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(places) == 0 {
		return "", fmt.Errorf("%w: %s is neither on the PATH nor in /usr/lib/postgresql", ErrMissing, name)
	}
	slices.Sort(places)
	return places[len(places)-1], nil
}

// owner is another user where we are root, as which PostgreSQL does not run.
func owner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if errUID == nil && errGID == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("%w: it does not run as root, and there is no user postgres or nobody", ErrMissing)
}

// Start makes a cluster and starts it, with the settings that its manual recommends for a server of
// its own: a quarter of the memory as shared_buffers, room for the log, autovacuum on.
// asynchronous turns synchronous_commit off.
func Start(ctx context.Context, asynchronous bool) (*Server, error) {
	initdb, err := find("initdb")
	if err != nil {
		return nil, err
	}
	postgres, err := find("postgres")
	if err != nil {
		return nil, err
	}
	as, err := owner()
	if err != nil {
		return nil, err
	}
	s := &Server{}
	if s.dir, err = os.MkdirTemp("", "bench-postgres"); err != nil {
		return nil, err
	}
	if as != nil {
		if err := os.Chown(s.dir, int(as.Uid), int(as.Gid)); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", ErrMissing, err), os.RemoveAll(s.dir))
		}
	}
	if err := s.start(ctx, as, initdb, postgres, asynchronous); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, as *syscall.Credential, initdb, postgres string, asynchronous bool) error {
	data := filepath.Join(s.dir, "data")
	init, err := process.StartAs(ctx, as, nil, initdb, "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if err != nil {
		return err
	}
	if err := init.Wait(); err != nil {
		return err
	}
	commit := "on"
	if asynchronous {
		commit = "off"
	}
	args := []string{"-D", data, "-k", s.dir}
	for _, setting := range []string{
		"listen_addresses=", "synchronous_commit=" + commit, "shared_buffers=" + sharedBuffers(), "max_wal_size=4GB", "max_connections=200",
	} {
		args = append(args, "-c", setting)
	}
	if s.process, err = process.StartAs(ctx, as, nil, postgres, args...); err != nil {
		return err
	}
	s.DSN = "host=" + s.dir + " user=bench dbname=postgres sslmode=disable"
	return s.process.Ready(ctx, func() error {
		conn, err := pgx.Connect(ctx, s.DSN)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		return conn.QueryRow(ctx, "show server_version").Scan(&s.Version)
	})
}

// sharedBuffers is a quarter of the machine's memory.
func sharedBuffers() string {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return "512MB"
	}
	return strconv.FormatUint(info.Totalram*uint64(info.Unit)/4>>20, 10) + "MB"
}

// PIDs are all processes of the server.
func (s *Server) PIDs() ([]int, error) {
	children, err := process.Children(s.process.PID())
	return append(children, s.process.PID()), err
}

// Stop ends it and removes its folder.
func (s *Server) Stop() {
	if s.process != nil {
		s.process.StopWith(syscall.SIGINT)
	}
	_ = os.RemoveAll(s.dir)
}
