package outcomes_test

import (
	"context"
	"fmt"
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/outcomes"
)

func ExampleReader() {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
	defer rdb.Close()
	reader, err := outcomes.New(rdb, outcomes.Options{
		Group:  "billing",
		Failed: func(e outcomes.Event, err error) { log.Println(e.ID, err) },
		Gap: func(_ context.Context, g *outcomes.Gap) error {
			log.Println(g, "- listing the payments instead")
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	err = reader.Run(context.Background(), func(_ context.Context, e outcomes.Event) error {
		if e.Kind == "state" && e.State == "succeeded" {
			fmt.Println("paid:", e.Reference, e.Amount, e.Currency) // in a transaction, with e.ID as a unique key
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
}
