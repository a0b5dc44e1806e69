package i18n

// checkSpanish are the findings of worker check, and why a worker does not start.
var checkSpanish = map[string]string{
	// Names of checks.
	"configuration": "configuración", "providers": "proveedores de pago", "identities": "identidades", "connection": "conexión", "Redis version": "versión de Redis",
	"role": "papel", "append-only file": "archivo AOF", "connected replicas": "réplicas conectadas", "writes": "escrituras", "memory": "memoria",
	"clock against Redis": "reloj contra Redis", "identity of %s": "identidad de %s",

	// What was found, and what is wanted.
	"none": "ninguno", "at least one": "al menos uno", "known": "conocidas", "usable": "utilizable", "taken": "se aceptan", "master": "master", "yes": "yes", "no": "no",
	"a different one": "otra", "its own": "la propia",
	"no answer (%s)":                 "ninguna respuesta (%s)",
	"an answer to PING":              "una respuesta a PING",
	"7.0 or newer":                   "7.0 o más nueva",
	"its last write failed":          "falló su última escritura",
	"every write succeeds":           "que toda escritura resulte",
	"%s or more":                     "%s o más",
	"refused (%s)":                   "se rechazan (%s)",
	"0 behind Sentinel":              "0 detrás de Sentinel",
	"0 with connected replicas (%s)": "0 con réplicas conectadas (%s)",
	"below %s %% of maxmemory":       "bajo %s %% de maxmemory",
	"%s %% of maxmemory":             "%s %% de maxmemory",
	"no maxmemory":                   "sin maxmemory",
	"less than %s apart":             "menos de %s de diferencia",
	"%s apart":                       "%s de diferencia",
	"cannot be read (%s is refused)": "no se puede leer (se rechaza %s)",
	"that of %s":                     "la de %s",
	"%s, as stored":                  "%s, como está guardada",
	"another than that of %s":        "otra que la de %s",
	"configured; nothing can be checked without moving money": "configurado; nada se puede probar sin mover dinero",

	// What to do.
	"set the credentials of a provider, for example %s": "ponga las credenciales de un proveedor de pago, por ejemplo %s",
	"%s, _API_KEY and _SECRET_KEY":                      "%s, _API_KEY y _SECRET_KEY",
	"make Redis reachable":                              "haga que Redis responda",
	"check the account's URL and credentials":           "revise el URL y las credenciales de este perfil",
	"check REMESA_REDIS_URL, that the server runs, and that user and password are right": "revise REMESA_REDIS_URL, que el servidor esté en marcha, y que usuario y contraseña " +
		"sean correctos",
	"use a server that answers INFO, of version 7.0 or newer":                       "use un servidor que responda a INFO, de versión 7.0 o más nueva",
	"install Redis 7.0 or newer: results could not be recorded on a full older one": "instale Redis 7.0 o más nuevo: en uno anterior que está lleno no se podrían anotar resultados",
	"this is a read-only replica: let REMESA_REDIS_URL name the primary, or the sentinels that know it": "esta es una réplica de solo lectura: que REMESA_REDIS_URL nombre al primario, " +
		"o a los centinelas que lo conocen",
	"make sure that the server has %s %s, and let the user of REMESA_REDIS_URL run CONFIG GET": "asegúrese de que el servidor tenga %s %s, y permita CONFIG GET al usuario de " +
		"REMESA_REDIS_URL",
	"CONFIG is refused here: let whoever runs the server set %s (a managed one: its parameters; else redis.conf)": "aquí se rechaza CONFIG: que quien administra el servidor ponga %s " +
		"(en uno administrado, en sus parámetros; si no, en redis.conf)",
	"CONFIG is refused here: let whoever runs the server set %s (a managed one: its parameters; else redis.conf)%s": "aquí se rechaza CONFIG: que quien administra el servidor ponga %s " +
		"(en uno administrado, en sus parámetros; si no, en redis.conf)%s",
	"run %s, and put the line %s into redis.conf so that it survives a restart":   "ejecute %s, y agregue la línea %s a redis.conf para que siga así después de reiniciar",
	"run %s, and put the line %s into redis.conf so that it survives a restart%s": "ejecute %s, y agregue la línea %s a redis.conf para que siga así después de reiniciar%s",
	"; or set REMESA_REDIS_DURABILITY=everysec and accept that a power cut forgets up to 2 s of intents": "; o ponga REMESA_REDIS_DURABILITY=everysec y acepte que un corte de luz " +
		"olvide hasta 2 s de intenciones",
	"%s: more than now; or let final payments age out sooner (REMESA_LEDGER_RETENTION)": "%s: más que ahora; o deje que las operaciones terminadas se borren antes (REMESA_LEDGER_RETENTION)",
	": more than now; or let final payments age out sooner (REMESA_LEDGER_RETENTION)":   ": más que ahora; o deje que las operaciones terminadas se borren antes (REMESA_LEDGER_RETENTION)",
	"look for a full or broken disk on the server, and at its log":                      "busque un disco lleno o dañado en el servidor, y mire su bitácora",
	"let the user of REMESA_REDIS_URL run INFO":                                         "permita INFO al usuario de REMESA_REDIS_URL",
	"connect replicas, or lower REMESA_LEDGER_REPLICAS: until then nothing is sent":     "conecte réplicas, o baje REMESA_LEDGER_REPLICAS: hasta entonces no se envía nada",
	"look at the server's log, and at what the user of REMESA_REDIS_URL may do: nothing is sent until it runs scripts": "mire la bitácora del servidor, y qué puede hacer el usuario de " +
		"REMESA_REDIS_URL: no se envía nada hasta que pueda ejecutar scripts",
	"Redis is full: raise maxmemory, or wait until payments are final; until then nothing is sent, and results are still recorded": "Redis está lleno: suba maxmemory, o espere a que " +
		"terminen operaciones; hasta entonces no se envía nada, y los resultados sí se anotan",
	"Redis cannot write to its disk: look for a full or broken one on the server, and at its log": "Redis no puede escribir en su disco: busque uno lleno o dañado en el servidor, y " +
		"mire su bitácora",
	"fewer replicas are connected than min-replicas-to-write asks for: connect them, or lower it": "hay menos réplicas conectadas que las que pide min-replicas-to-write: conéctelas, o bájelo",
	"set REMESA_LEDGER_REPLICAS=1 for workers and producers, so that nothing is sent before a replica has its intent: after a failover to one that lacks it, the payment would be sent again": "" +
		"ponga REMESA_LEDGER_REPLICAS=1 en los trabajadores y en quienes envían a la cola, para que nada se envíe antes de que una réplica tenga su intención: después de un cambio a una " +
		"que no la tiene, la operación se enviaría otra vez",
	"watch the server's memory by other means: INFO memory is refused here": "vigile la memoria del servidor de otra manera: aquí se rechaza INFO memory",
	"set maxmemory (redis.conf) to what the machine can spare: without it the system may kill a full Redis, and intake cannot stop in time": "ponga maxmemory (redis.conf) en lo que " +
		"la máquina puede dar: sin eso el sistema puede terminar un Redis lleno, y no se deja de recibir a tiempo",
	"let the user of REMESA_REDIS_URL run TIME: the ledger needs it":                  "permita TIME al usuario de REMESA_REDIS_URL: hace falta",
	"let NTP (chrony, systemd-timesyncd) set the clocks of this machine and of Redis": "que NTP (chrony, systemd-timesyncd) ponga en hora esta máquina y la de Redis",
	"remove one of the two accounts: the same payment could be made through each":     "quite uno de los dos perfiles: la misma operación se podría hacer por cada uno",
	"give the account its former settings, or another name; if the same payments may go on under the new identity, run %s": "devuelva al perfil sus ajustes anteriores, o dele otro nombre; " +
		"si las mismas operaciones pueden seguir bajo la identidad nueva, ejecute %s",
	"call the account %s as before; if it was renamed on purpose and nothing is open under the former name, run %s": "nombre al perfil %s como antes; si se le cambió el nombre a propósito " +
		"y nada está abierto bajo el nombre anterior, ejecute %s",

	// What providers' logins found.
	"login accepted":                                                  "entrada aceptada",
	"a simulator on this machine":                                     "un simulador en esta máquina",
	"credentials accepted":                                            "credenciales aceptadas",
	"the gateway answers about an instruction":                        "la puerta de entrada responde sobre una instrucción",
	"payments would be registered in %s: %s":                          "las operaciones se registrarían en %s: %s",
	"portal and gateway are of two environments: %s gives the tokens": "el portal y la puerta de entrada son de dos ambientes: %s da los tokens",
	"credentials accepted; no webhook is asked for, so payments are found by polling alone": "credenciales aceptadas; no se pide un webhook, así que las operaciones se encuentran " +
		"solo preguntando",
	"credentials accepted; an unknown payout is answered with %s":                         "credenciales aceptadas; a un pago desconocido se responde %s",
	"the password is one for tests: charges will move no money":                           "la contraseña es de prueba: los cobros no moverán dinero",
	"no order could be created; where the account may not, set %s: %s":                    "no se pudo crear una orden; si el comercio no puede, ponga %s: %s",
	"the account may use the two-step order (one of %s MXN was created and stays unpaid)": "el comercio puede usar la orden en dos pasos (se creó una de %s MXN, que queda sin pagar)",
	"an order can be queried":                                            "se puede preguntar por una orden",
	"an order cannot be queried: %s":                                     "no se puede preguntar por una orden: %s",
	"a status query of an unpaid order came to %s, and not to the order": "una consulta de estado de una orden sin pagar llegó a %s, y no a la orden",
	"login accepted; whether the account's product is recurring charges shows with the first charge": "entrada aceptada; si el producto del comercio es de cobros recurrentes se ve con el " +
		"primer cobro",
	"no status query: a charge without a clear response is held for an operator": "no hay consulta de estado: un cobro sin respuesta clara queda por revisar por un operador",
	"no client certificate (%s): payout hosts are said to ask for one":           "sin certificado de cliente (%s): se dice que los servidores de pagos piden uno",

	"a status query of an unknown order found payments: is this order id in use?":        "una consulta de estado de una orden desconocida encontró operaciones: ¿se usa este id de orden?",
	"a status query of an unknown payout came to %s, not to a code that means not found": "una consulta de estado de un pago desconocido llegó a %s, no a un código que diga que no existe",
	"charges in one step: a charge whose response is lost cannot be queried and is held for an operator; %s avoids it where the account may create orders": "cobros en un paso: por un " +
		"cobro cuya respuesta se pierde no se puede preguntar, y queda por revisar por un operador; %s lo evita si el comercio puede crear órdenes",
	"the token just obtained was refused: header or scheme? See %s": "se rechazó el token recién obtenido: ¿encabezado o esquema? Vea %s",
	"refused with code %s": "rechazado con el código %s",

	// Why a worker does not start.
	"refusing to start on this Redis":                                "no se inicia con este Redis",
	"refusing to start on this Redis: it may lose or evict payments": "no se inicia con este Redis: puede perder o desalojar operaciones",
	"REMESA_ALLOW_UNSAFE_REDIS=true starts all the same":             "con REMESA_ALLOW_UNSAFE_REDIS=true se inicia de todos modos",
	"refusing to start":        "no se inicia",
	"%s is %s, must be %s: %s": "%s: se encontró %s, debe ser %s: %s",
	"no provider has credentials: set %s, or those of another provider": "ningún proveedor de pago tiene credenciales: ponga %s, o las de otro",
	"the demo refuses to run beside real provider URLs: unset the REMESA_…_URL variables": "la demostración no se inicia junto a direcciones reales de proveedores de pago: quite las variables " +
		"REMESA_…_URL",
	"this worker was built without the demo, which embeds a Redis: in a checkout of its sources, run `make demo`, or `go run ./cmd/worker demo`; `worker sandbox` serves the simulated providers here too": "" +
		"este trabajador se construyó sin la demostración, que incluye un Redis: en una copia de sus fuentes, ejecute `make demo`, o `go run ./cmd/worker demo`; `worker sandbox` atiende los " +
		"proveedores de pago simulados también aquí",
	"want PROVIDER/ACCOUNT, such as %s":           "debe ser PROVEEDOR/PERFIL, como %s",
	"no account %s is configured":                 "no está configurado el perfil %s",
	"accepting an identity needs --by and --note": "para aceptar una identidad hacen falta --by y --note",
	"no sandbox at --addr: %s":                    "no hay simuladores en --addr: %s",
	"--addr or --provider: no part of an address": "--addr o --provider: no es parte de una dirección",
	"an outcome is not as expected":               "un resultado no es el esperado",
}

// demoSpanish are the scenes of the demo.
var demoSpanish = map[string]string{
	"the provider pays":                                                  "el proveedor de pago paga",
	"the same line again: a duplicate":                                   "la misma línea otra vez: un duplicado",
	"the same reference, another amount: a conflict":                     "la misma referencia, otro monto: un conflicto",
	"the provider declines":                                              "el proveedor de pago rechaza",
	"accepted, paid a moment later":                                      "aceptado, pagado un momento después",
	"paid, but the answer is lost: asked, found":                         "pagado, pero la respuesta se pierde: se pregunta y se encuentra",
	"paid, but a 502 comes back: asked, found":                           "pagado, pero vuelve un 502: se pregunta y se encuentra",
	"paid, but slower than the time-out: asked, found":                   "pagado, pero más lento que el plazo: se pregunta y se encuentra",
	"refused twice as too busy, then paid":                               "rechazado dos veces por demasiada carga, después pagado",
	"lost on the way, never found: held for an operator":                 "perdido en el camino, nunca se encuentra: por revisar por un operador",
	"the token ends: renewed, the card charged once":                     "el token vence: se renueva, la tarjeta se cobra una vez",
	"charged, but the answer is lost: nobody to ask, held":               "cobrado, pero la respuesta se pierde: no hay a quién preguntar, por revisar",
	"registered, but the answer is lost: asked, found":                   "registrado, pero la respuesta se pierde: se pregunta y se encuentra",
	"somebody registered it before us: held, not sent":                   "alguien lo registró antes: por revisar, no se envía",
	"a session opens, and its payer pays a moment later":                 "se abre una sesión, y su pagador paga un momento después",
	"a session is lost: another is opened, and waits for its payer":      "se pierde una sesión: se abre otra, y espera a su pagador",
	"a payout, but the answer is lost: looked for in the listing, found": "un pago, pero la respuesta se pierde: se busca en la lista y se encuentra",
	"the token ends before the charge: renewed, charged once":            "el token vence antes del cobro: se renueva, se cobra una vez",
	"charged, but the answer is lost: its order is queried":              "cobrado, pero la respuesta se pierde: se pregunta por su orden",
	"older than catch_up: reported, not charged":                         "anterior a catch_up: se informa, no se cobra",
	"missed, then declined: charged again after the dunning delay":       "atrasado, después rechazado: se cobra de nuevo tras la espera",
	"missed: caught up; its month has no 31st":                           "atrasado: se cobró; su mes no tiene 31",
	"missed: caught up":                                                  "atrasado: se cobró",
	"missed":                                                             "omitido",
	"as expected":                                                        "como se esperaba",
	"EXPECTED %s":                                                        "SE ESPERABA %s",
}
