package i18n

// settingProblemsSpanish are what is wrong with settings.
var settingProblemsSpanish = map[string]string{
	// Of any setting.
	"must be set": "debe estar",
	"must be set, in printable ASCII without blanks":                                   "debe estar, en ASCII imprimible sin espacios",
	"must be set, in printable ASCII without blanks around it: it travels in a header": "debe estar, en ASCII imprimible sin espacios alrededor: viaja en un encabezado",
	"must be HOST:PORT, such as %s":                                                    "debe ser SERVIDOR:PUERTO, como %s",
	"must be between %s and %s":                                                        "debe estar entre %s y %s",
	"must be %s or %s":                                                                 "debe ser %s o %s",
	"must be true or false":                                                            "debe ser true o false",
	"must be a duration of %s or more":                                                 "debe ser una duración de %s o más",
	"must be a duration from 1s to 30d":                                                "debe ser una duración de 1s a 30d",
	"not a duration such as 90s, 5m, 72h or 400d":                                      "no es una duración como 90s, 5m, 72h o 400d",
	"not a whole number":                                                               "no es un número entero",
	"must be a whole number":                                                           "debe ser un número entero",
	"not a number such as 0.7 or 25":                                                   "no es un número como 0.7 o 25",
	"must begin with /":                                                                "debe comenzar con /",
	"must begin with / and hold %s":                                                    "debe comenzar con / y contener %s",
	"must contain %s once":                                                             "debe contener %s una vez",
	"must be a path that begins with / and has no query, fragment, blank or escape": "debe ser una ruta que comienza con /, sin consulta, fragmento, espacio ni escape",
	"has braces that name nothing known":                                            "tiene llaves { } que no nombran nada conocido",
	"needs %s, and the other way round":                                             "necesita %s, y al revés",
	"must not be below %s":                                                          "no debe ser menor que %s",
	"must not be negative; 0 is no limit":                                           "no debe ser negativo; 0 es sin límite",
	"must be above 0, in requests a second":                                         "debe ser mayor que 0, en solicitudes por segundo",
	"must be auto, always or never":                                                 "debe ser auto, always o never",
	"must be debug, info, warn or error":                                            "debe ser debug, info, warn o error",
	"must be one of %s, with a country if you like, such as es-CL":                  "debe ser uno de %s, con un país si se quiere, como es-CL",
	"not a time zone of the IANA database, such as America/Bogota":                  "no es una zona horaria de la base IANA, como America/Bogota",
	"must be a share above 0 and at most 1, such as 0.7":                            "debe ser una fracción mayor que 0 y a lo más 1, como 0.7",
	"must be an amount above 0 such as 50000000 or 149.50":                          "debe ser un monto mayor que 0, como 50000000 o 149.50",
	"must be sum=AMOUNT, count=N, or both with a comma between":                     "debe ser sum=MONTO, count=N, o ambos con una coma entre ellos",
	"count must be a whole number from 1 to 2147483647":                             "count debe ser un número entero de 1 a 2147483647",
	"must be %s while %s":                                                           "debe ser %s mientras sea así: %s",
	"must be 1: two payments of one %s could be in two partitions, where neither sees the other": "debe ser 1: dos operaciones de un mismo objeto (%s) podrían estar en " +
		"dos particiones, donde ninguna ve a la otra",
	"must be 1 beside %s: each partition would count by itself, and together they would let through more": "debe ser 1 junto a %s: cada partición contaría por su lado, " +
		"y juntas dejarían pasar más",
	"%s is too short: one attempt is up to two requests of REMESA_REQUEST_TIMEOUT (%s) and a margin; set at least %s, or shorten REMESA_REQUEST_TIMEOUT": "%s es muy " +
		"poco: un intento son hasta dos solicitudes de REMESA_REQUEST_TIMEOUT (%s) y un margen; ponga al menos %s, o acorte REMESA_REQUEST_TIMEOUT",

	// Of secrets and their files.
	"given both directly and as a file: remove %s or %s":           "está a la vez directamente y como archivo: quite %s o %s",
	"names a file that cannot be read: %s":                         "nombra un archivo que no se puede leer: %s",
	"names a file of more than %s bytes, which cannot be a secret": "nombra un archivo de más de %s bytes, que no puede ser un secreto",
	"names an empty file":                                          "nombra un archivo vacío",
	"not a regular file":                                           "no es un archivo normal",
	"is not base64: make one with %s":                              "no es base64: créela con %s",
	"holds %s bytes instead of %s: make one with %s":               "tiene %s bytes en lugar de %s: créela con %s",
	"has %s characters, needs at least %s":                         "tiene %s caracteres, necesita al menos %s",
	"has %s characters, needs at least %s; make one with %s":       "tiene %s caracteres, necesita al menos %s; créela con %s",
	"is still the placeholder of an example; make one with %s":     "es todavía el texto de un ejemplo; créela con %s",
	"required with REMESA_PAYLOAD_KEYS: a plain fingerprint of a sealed payment can be guessed": "es obligatoria con REMESA_PAYLOAD_KEYS: sin ella se puede adivinar " +
		"la huella de una operación cifrada",
	"entry %s is not ID:BASE64 with an id of 1 to 32 letters, digits, _ or -": "la entrada %s no es ID:BASE64 con un id de 1 a 32 letras, dígitos, _ o -",
	"entry %s has the id of an earlier one":                                   "la entrada %s tiene el id de una anterior",
	"the id of a key has 1 to 32 letters, digits, _ or -":                     "el id de una llave tiene de 1 a 32 letras, dígitos, _ o -",
	"cannot be used": "no se puede usar",

	// Of URLs and Redis.
	"missing: set the provider's URL":                              "falta: ponga el URL del proveedor de pago",
	"missing: %s is on, because others of its credentials are set": "falta: %s está activo, porque otras de sus credenciales están",
	"not a URL":                                             "no es un URL",
	"does not begin with https://":                          "no comienza con https://",
	"has no host":                                           "no tiene servidor",
	"must be https, except on loopback":                     "debe ser https, excepto en esta máquina",
	"takes no login, no query and no fragment":              "no lleva usuario, consulta ni fragmento",
	"not a URL such as https://host or https://host/prefix": "no es un URL como https://servidor o https://servidor/prefijo",
	"holds a user or password, which would show in logs: use the provider's own settings": "contiene un usuario o una contraseña, que se vería en los registros: use los " +
		"ajustes del proveedor de pago",
	"may carry a path, but no query and no fragment":                                   "puede llevar una ruta, pero no consulta ni fragmento",
	"must be https: plain http is accepted on loopback only":                           "debe ser https: http sin cifrar se acepta solo en esta máquina",
	"must be a URL such as http://127.0.0.1:4318":                                      "debe ser un URL como http://127.0.0.1:4318",
	"must have no user and no password in it: OTEL_EXPORTER_OTLP_HEADERS is for those": "no debe llevar usuario ni contraseña: para eso está OTEL_EXPORTER_OTLP_HEADERS",
	"must look like redis://[user:password@]host:port/db, rediss://…, redis-sentinel://h1,h2/0?master=m or redis-cluster://h1,h2": "debe ser como " +
		"redis://[usuario:contraseña@]servidor:puerto/db, rediss://…, redis-sentinel://h1,h2/0?master=m o redis-cluster://h1,h2",
	"has a user without a password: write user:password@, or :password@ for the default user": "tiene un usuario sin contraseña: escriba usuario:contraseña@, o " +
		":contraseña@ para el usuario default",
	"has a user or password with a % that begins no escape: write % as %25":       "tiene un usuario o una contraseña con un % que no comienza un escape: escriba % como %25",
	"%s:// takes one host; for several use redis-sentinel:// or redis-cluster://": "%s:// lleva un servidor; para varios use redis-sentinel:// o redis-cluster://",
	"has a host with more than one colon: write an IPv6 address in [brackets]":    "tiene un servidor con más de un signo de dos puntos: escriba una dirección IPv6 entre [corchetes]",
	"has a port that is not between 1 and 65535":                                  "tiene un puerto que no está entre 1 y 65535",
	"lacks a host": "no tiene servidor",
	"has a database that is not a number (a / in a password is written %2F)": "tiene una base que no es un número (una / en una contraseña se escribe %2F)",
	"names a database, but a Redis cluster has only database 0":              "nombra una base, pero un Redis Cluster tiene solo la base 0",
	"has a query that cannot be read":                                        "tiene una consulta que no se puede leer",
	"has an unknown query parameter: master, sentinel_username, sentinel_password (redis-sentinel) and tls=true (redis-sentinel, redis-cluster) are known": "tiene un " +
		"parámetro desconocido: se conocen master, sentinel_username, sentinel_password (redis-sentinel) y tls=true (redis-sentinel, redis-cluster)",
	"lacks the name of the group that the sentinels watch: add ?master=NAME": "no tiene el nombre del grupo que vigilan los centinelas: agregue ?master=NOMBRE",

	// Of accounts.
	"is not a JSON list of objects (near byte %s)":                                 "no es una lista JSON de objetos (cerca del byte %s)",
	"has something after its list (near byte %s)":                                  "tiene algo después de su lista (cerca del byte %s)",
	"missing, or not one of %s":                                                    "falta, o no es uno de %s",
	"missing, or not 1 to 32 lower-case letters, digits and dashes":                "falta, o no son de 1 a 32 letras minúsculas, dígitos y guiones",
	"is not a setting of this provider; known are %s":                              "no es un ajuste de este proveedor de pago; se conocen %s",
	"is a secret: put it into a file of its own and name that as %s":               "es un secreto: póngalo en un archivo propio y nombre ese archivo como %s",
	"must be a text, a number, true or false":                                      "debe ser un texto, un número, true o false",
	"%s is described more than once (the variables describe the account %s)":       "%s está descrito más de una vez (las variables describen el perfil %s)",
	"must be a word of letters, digits, _, . or -, such as MAGENTO":                "debe ser una palabra de letras, dígitos, _, . o -, como MAGENTO",
	"must be a header's name, a colon and a scheme, such as Authorization: Bearer": "debe ser el nombre de un encabezado, dos puntos y un esquema, como Authorization: Bearer",
	"has an empty code": "tiene un código vacío",
	"has an empty text, which every decline would contain": "tiene un texto vacío, que todo rechazo contendría",

	// Of listeners and logins.
	"not on loopback, and the dashboard has no login: set REMESA_DASHBOARD_USER and REMESA_DASHBOARD_PASSWORD or REMESA_DASHBOARD_USERS_FILE, or listen on 127.0.0.1": "" +
		"no es solo de esta máquina, y las páginas no piden usuario: ponga REMESA_DASHBOARD_USER y REMESA_DASHBOARD_PASSWORD o REMESA_DASHBOARD_USERS_FILE, o escuche en 127.0.0.1",
	"not on loopback, and without TLS: set REMESA_API_CERT_FILE and REMESA_API_CERT_KEY_FILE, listen on 127.0.0.1, or set REMESA_API_ALLOW_PLAIN=true where a proxy speaks TLS and the way from it is private": "" +
		"no es solo de esta máquina, y va sin TLS: ponga REMESA_API_CERT_FILE y REMESA_API_CERT_KEY_FILE, escuche en 127.0.0.1, o ponga REMESA_API_ALLOW_PLAIN=true si un proxy " +
		"habla TLS y el camino desde él es privado",
	"this certificate and the key of %s cannot be used: they must be PEM, and belong together": "este certificado y la llave de %s no se pueden usar: deben ser PEM, y de la misma pareja",
	"names nobody": "no nombra a nadie",
	"stands in REMESA_DASHBOARD_USERS_FILE, too: nobody can tell which password is meant": "está también en REMESA_DASHBOARD_USERS_FILE: no se sabe qué contraseña vale",
	"is not NAME:HASH; %s makes such a line":                                              "no es NOMBRE:HASH; %s crea esa línea",
	"the hash is neither bcrypt's nor argon2id's; %s makes such a line":                   "el hash no es de bcrypt ni de argon2id; %s crea esa línea",
	"the hash has the cost %s, needs %s to %s":                                            "el hash tiene el costo %s, necesita de %s a %s",
	"the hash needs m from %s to %s, t to %s and p to %s":                                 "el hash necesita m de %s a %s, t hasta %s y p hasta %s",
	"the hash needs a salt of %s bytes or more, and %s to %s bytes of its own":            "el hash necesita una sal de %s bytes o más, y de %s a %s bytes propios",
	"this name stands on an earlier line, too":                                            "este nombre está también en una línea anterior",
	"a line is too long": "una línea es demasiado larga",
	"the user's name must be 1 to 64 letters, digits and . _ @ + -":         "el nombre del usuario debe tener de 1 a 64 letras, dígitos y . _ @ + -",
	"the password has %s characters, needs at least %s; make one with %s":   "la contraseña tiene %s caracteres, necesita al menos %s; créela con %s",
	"the password is still the placeholder of an example; make one with %s": "la contraseña es todavía el texto de un ejemplo; créela con %s",
	"the password has more than 72 bytes, and bcrypt would look at no more": "la contraseña tiene más de 72 bytes, y bcrypt no miraría más",
	"standard input must have one line, the password":                       "la entrada estándar debe tener una línea, la contraseña",
	"the two differ":              "las dos no son iguales",
	"the terminal cannot be read": "no se puede leer de la terminal",
	"interrupted":                 "interrumpido",

	"the hash is not $argon2id$v=19$m=…,t=…,p=…$SALT$HASH": "el hash no es $argon2id$v=19$m=…,t=…,p=…$SALT$HASH",
	"an unreadable REMESA_REDIS_URL":                       "un REMESA_REDIS_URL que no se puede leer",
	"%s of the account %s":                                 "%s del perfil %s",
	"not sealed":                                           "sin cifrar",
	"sealed with a key that is not at hand":                "cifrado con una llave que aquí no está",
	"sealed, but changed or moved since":                   "cifrado, pero cambiado o movido después",
	"%s: key %s":                                           "%s: llave %s",
	"%s: key %s has other bytes here":                      "%s: la llave %s tiene aquí otros bytes",

	// Warnings.
	"%s is not a setting and has no effect":                   "%s no es un ajuste y no tiene efecto",
	"%s is not a setting and has no effect; did you mean %s?": "%s no es un ajuste y no tiene efecto; ¿quiso decir %s?",
	"%s is %s with a real provider: below %s a late execution may be taken for none": "%s es %s con un proveedor de pago real: bajo %s una ejecución tardía se puede " +
		"tomar por ninguna",
	"REMESA_LEDGER_RETENTION is %s: a reference that is submitted again after that is paid again": "REMESA_LEDGER_RETENTION es %s: una referencia que se envía otra vez " +
		"después de eso se paga otra vez",
	"REMESA_DASHBOARD_WRITABLE has no effect: nothing can be changed without a login; set REMESA_DASHBOARD_USER and REMESA_DASHBOARD_PASSWORD, or REMESA_DASHBOARD_USERS_FILE": "" +
		"REMESA_DASHBOARD_WRITABLE no tiene efecto: sin usuario no se puede cambiar nada; ponga REMESA_DASHBOARD_USER y REMESA_DASHBOARD_PASSWORD, o REMESA_DASHBOARD_USERS_FILE",
	"REMESA_REDIS_URL leaves this machine without TLS: whoever is on the way reads the password and every payment, and can change both; write rediss:// (redis-sentinel:// and redis-cluster://: add tls=true), or keep the way private": "" +
		"REMESA_REDIS_URL sale de esta máquina sin TLS: quien esté en el camino lee la contraseña y todas las operaciones, y puede cambiarlas; escriba rediss:// " +
		"(redis-sentinel:// y redis-cluster://: agregue tls=true), o mantenga privado el camino",
	"%s names a file that other users of this machine can read: let only the worker's user read it (chmod 600)": "%s nombra un archivo que otros usuarios de esta máquina " +
		"pueden leer: deje que solo lo lea el usuario del trabajador (chmod 600)",
	"a file of its secret can be read by other users of this machine: let only the worker's user read it (chmod 600)": "un archivo de su secreto lo pueden leer otros " +
		"usuarios de esta máquina: deje que solo lo lea el usuario del trabajador (chmod 600)",
}
