package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/tasks"
)

// TestAFileOfMoreThanAThousandLinesIsBulk, from its first line on; of a pipe, from line 1,001 on.
func TestAFileOfMoreThanAThousandLinesIsBulk(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range tasks.BulkAbove + 1 {
		text.WriteString(payout(fmt.Sprintf("b-%d", i)) + "\n\n")
	}
	whole, short := text.String(), strings.SplitAfterN(text.String(), "\n\n", 2)[1]
	for _, row := range []struct {
		says, file, pipe string
		bulk             int64
	}{
		{"a file of 1,001 lines", whole, "", tasks.BulkAbove + 1},
		{"a file of 1,000", short, "", 0},
		{"a pipe of 1,001", "", whole, 1},
	} {
		t.Run(row.says, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t)
			args := []string{"submit"}
			if row.file != "" {
				args = append(args, write(t, "payroll.jsonl", row.file))
			}
			got := enqueue(t, environment(redisAt(s.URL())), strings.NewReader(row.pipe), args...)
			wantCode(t, row.says, got, 0)
			bulk := int64(0)
			for _, r := range results(t, got.out) {
				record, err := s.Client().Get(t.Context(), "remesa:{virtualpos}:p:"+strings.TrimPrefix(r.Key, "virtualpos/")).Result()
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(record, `"bulk":true`) {
					bulk++
				}
			}
			if bulk != row.bulk {
				t.Errorf("%d payments are bulk, want %d", bulk, row.bulk)
			}
		})
	}
}
