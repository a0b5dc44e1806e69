// Package deploytest holds the files of deploy/ to what the program does: its settings, metrics and
// times, and starts the worker from them as systemd and as a container would. It has nothing but
// tests.
package deploytest
