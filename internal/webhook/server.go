package webhook

import (
	"net/http"
	"time"
)

// Server makes a server for a listener that the internet can reach: no client can hold a connection
// for long, or make it read much.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second,
		IdleTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10,
	}
}
