package kv

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// packed are values of MessagePack, one after the other: texts, and numbers of at least zero. The
// script reads them as they are, which costs Redis a third of what as many arguments would.
type packed []byte

// Kinds of values.
const (
	shortText = 0xa0 // and its length, at most maxShort
	maxShort  = 31
	longText  = 0xdb // 4 bytes of length
	number16  = 0xcd
	number64  = 0xcf
	list      = 0xdd // and 4 bytes of how many values it has
)

// list begins a list of all values that follow.
func (p packed) list(n int) packed {
	return binary.BigEndian.AppendUint32(append(p, list), uint32(n)) //nolint:gosec // of values in memory
}

func (p packed) text(s string) packed { return append(p.length(len(s)), s...) }

// length begins a text of that many bytes.
func (p packed) length(n int) packed {
	if n <= maxShort {
		return append(p, shortText|byte(n)) //nolint:gosec // at most 31
	}
	return binary.BigEndian.AppendUint32(append(p, longText), uint32(n)) //nolint:gosec // Redis takes no longer ones
}

func (p packed) number(n int64) packed {
	if n <= math.MaxInt8 {
		return append(p, byte(n)) //nolint:gosec // 0 to 127
	}
	return binary.BigEndian.AppendUint64(append(p, number64), uint64(n))
}

// place is a number that is set later.
func (p packed) place() packed { return append(p, number16, 0, 0) }

// set sets the number at a place.
func (p packed) set(at, n int) { binary.BigEndian.PutUint16(p[at+1:], uint16(n)) } //nolint:gosec // of keys and arguments

// argument packs an argument of a command.
func (p packed) argument(v any) packed {
	switch v := v.(type) {
	case string:
		return p.text(v)
	case []byte:
		return append(p.length(len(v)), v...)
	case int:
		return p.digits(int64(v))
	case int64:
		return p.digits(v)
	}
	panic(fmt.Sprintf("kv: an argument of a command is a %T", v))
}

// digits is a number as a text: Redis takes no others, and Lua would take its time to write one.
func (p packed) digits(n int64) packed {
	var text [20]byte
	return p.text(string(strconv.AppendInt(text[:0], n, 10)))
}

// number16 is the number at a place.
func (p packed) number16(at int) int { return int(binary.BigEndian.Uint16(p[at+1:])) }
