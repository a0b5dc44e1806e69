package main

import (
	"maps"
	"testing"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/redistest"
)

// serviceOn is a worker with this Redis and these settings.
func serviceOn(t *testing.T, server *redistest.Server, log zerolog.Logger, variables map[string]string) *service {
	t.Helper()
	all := map[string]string{"REMESA_REDIS_URL": server.URL()}
	maps.Copy(all, variables)
	c, err := config.From(all)
	if err != nil {
		t.Fatal(err)
	}
	rdb, err := c.Client(config.ServerProfile(max(8, connections(c))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	s, err := newService(c, rdb, log)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
