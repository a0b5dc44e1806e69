package wire

import (
	"net"
	"syscall"
	"testing"
)

func TestSocketsDoNotOutliveTheExchange(t *testing.T) {
	t.Parallel()
	near, _ := tcpPair(t)
	raw, err := near.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var timeout int
	if err := raw.Control(func(fd uintptr) {
		timeout, _ = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout)
	}); err != nil {
		t.Fatal(err)
	}
	if timeout != 1000 {
		t.Errorf("TCP_USER_TIMEOUT is %d ms, want 1000", timeout)
	}
}

// Linger 0 shows at the other side: it reads a reset, not an orderly end.
func TestClosingASocketThrowsItsBytesAway(t *testing.T) {
	t.Parallel()
	near, far := tcpPair(t)
	_ = near.Close()
	if _, err := far.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("got %v, want a reset", err)
	}
}
