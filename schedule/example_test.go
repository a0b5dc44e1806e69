package schedule_test

import (
	"fmt"
	"time"

	"github.com/remesa/remesa/schedule"
)

// Each period is counted from the first: the 31st comes back after a short month.
func ExampleCalendar_Due() {
	bogota, err := schedule.LoadZone("America/Bogota")
	if err != nil {
		fmt.Println(err)
		return
	}
	c := schedule.Calendar{
		Every: schedule.Month, Start: schedule.Date{Year: 2026, Month: time.January, Day: 31},
		At: schedule.TimeOfDay{Hour: 9}, Zone: bogota,
	}
	for period := 1; period <= 3; period++ {
		fmt.Println(period, c.Due(period).Format(time.RFC3339))
	}
	// Output:
	// 1 2026-01-31T09:00:00-05:00
	// 2 2026-02-28T09:00:00-05:00
	// 3 2026-03-31T09:00:00-05:00
}

// The first period that is due from now on.
func ExampleCalendar_First() {
	c := schedule.Calendar{Every: schedule.Week, Start: schedule.Date{Year: 2026, Month: time.March, Day: 2}}
	now := time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)
	period := c.First(now)
	fmt.Println(period, c.Date(period))
	// Output:
	// 3 2026-03-16
}

func ExampleParseDuration() {
	for _, text := range []string{"90s", "35d", "1d12h"} {
		d, err := schedule.ParseDuration(text)
		fmt.Println(d, err)
	}
	// Output:
	// 1m30s <nil>
	// 840h0m0s <nil>
	// 36h0m0s <nil>
}
