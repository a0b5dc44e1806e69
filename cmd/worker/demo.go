package main

// demoCmd runs the demo; built with the tag nodemo, it only says where to find it.
type demoCmd struct {
	Once bool   `help:"End with a table of outcomes instead of staying up; exit 0 when every outcome is as expected."`
	Addr string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where the demo listens; with --once on any free port."`
}
