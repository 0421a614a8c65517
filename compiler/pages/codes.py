"""The one table of finding codes: what each means, for `stackc explain` and for SARIF."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A sentence on what is wrong, and what is behind it."""

    summary: str
    explanation: str


CODES: dict[str, Code] = {
    # Reading files
    "alias-expansion": Code(
        "Aliases repeat too much, or a value contains itself.",
        "All aliases of a file together may add 2 MiB. This stops files that are small on disk and huge in memory.",
    ),
    "duplicate-key": Code(
        "A key is written twice in one mapping.",
        "YAML readers disagree on which one wins, so neither is taken. Two `<<` count as well: join them as `<<: [*a, *b]`.",
    ),
    "empty-file": Code(
        "The file holds nothing.",
        "It is empty, or holds only comments or null. A stack starts with keys such as `name:`; `stackc init` writes one.",
    ),
    "file-too-large": Code(
        "The file is over 1 MiB.",
        "Stacks and adapters are a few kilobytes. Certificates, SQL and other data belong in files of their own.",
    ),
    "merge-key": Code(
        "`<<` does not bring in a mapping.",
        "It takes the alias of a mapping or a list of such aliases. Keys that are written beside it win.",
    ),
    "missing-file": Code(
        "There is no such file.",
        "Without an argument stackc reads stack.yaml in the current folder; `stackc init` writes a first one.",
    ),
    "multiple-documents": Code(
        "A second YAML document starts.",
        "One file describes one stack or one adapter. Move what follows `---` to a file of its own.",
    ),
    "nested-too-deep": Code(
        "There are more than 100 levels of lists and mappings.",
        "No stack needs that many. Levels that aliases bring in count too.",
    ),
    "non-string-key": Code(
        "A key is not text.",
        'Names in a stack are text. Put a number or a word such as null into quotes, as in `"80":`, and also a value that begins with a brace.',
    ),
    "not-a-file": Code(
        "The path is a folder, a device or a pipe.",
        "stackc reads regular files only. Name the stack file itself.",
    ),
    "not-a-mapping": Code(
        "The top level is a list or a single value.",
        "A stack and an adapter are mappings: keys with values, such as `name: demo`.",
    ),
    "not-utf-8": Code(
        "A byte of the file is not UTF-8.",
        "The place is the first such byte. Save the file as UTF-8; UTF-16 and UTF-32 are not read.",
    ),
    "unknown-anchor": Code(
        "An alias names an anchor that is not defined above it.",
        "Anchors come before their aliases. Text that starts with `*` needs quotes.",
    ),
    "unknown-tag": Code(
        "A `!tag` is not known or does not fit its value.",
        "Only the tags of YAML's core schema are read. Compose's `!reset` and `!override` and tags of programming languages are not.",
    ),
    "unprintable-character": Code(
        "The file holds a control character or an invisible line separator.",
        "YAML readers treat these differently, and no container can take a NUL. Each is reported at its first place.",
    ),
    "unreadable-file": Code(
        "The system refuses to read the file.",
        "The message ends in the system's own reason, such as a missing permission.",
    ),
    "yaml-syntax": Code(
        "The YAML is broken at this place.",
        "A quote or bracket is not closed, the indentation fits no line around it, or a character needs quotes. Nothing after this place is read.",
    ),
    "yaml-tab": Code(
        "A tab is used as indentation.",
        "YAML allows only spaces there, because a tab has no fixed width. Set the editor to insert spaces.",
    ),
    # The shape of stacks and adapters
    "conflicting-options": Code(
        "Two options exclude each other.",
        "Only one of them can take effect, and a silent choice would surprise. Remove one, or add the one that is missing beside it.",
    ),
    "duplicate-item": Code(
        "A list holds an item twice.",
        "The list is a set: each item counts once. Remove the second.",
    ),
    "empty-stack": Code(
        "The stack has neither services nor databases.",
        "There would be nothing to run. Add one under `services:` or `databases:`.",
    ),
    "missing-option": Code(
        "A required option is missing.",
        "The place is that of the entry which lacks it; the help says what the option is for.",
    ),
    "not-allowed-value": Code(
        "The value is not among those that the option takes.",
        "The help names the closest one, or all of them where none is close.",
    ),
    "out-of-range": Code(
        "The value is too small, too large, too short or too long.",
        "The limits come from the schema, or from what the engine can do in the chosen version.",
    ),
    "unknown-option": Code(
        "The entry has no such option.",
        "A typing mistake in a key would otherwise be ignored in silence. Options of an engine are shown by `stackc adapters show NAME`.",
    ),
    "wrong-format": Code(
        "The text has another form than the option takes.",
        "The help describes the form. Names become host names, volumes and keys of .env, hence their limits.",
    ),
    "wrong-type": Code(
        "The value is of another type than the option takes.",
        "YAML makes numbers, booleans and null of some words; quotes make them text again.",
    ),
    # Adapters
    "adapter-cycle": Code(
        "Adapters extend one another without end.",
        "An adapter may extend another that extends a third, five deep at most, and none may come back to itself.",
    ),
    "adapter-name": Code(
        "The file and the adapter in it have different names.",
        "An adapter is found by the name of its file, so both must be the same.",
    ),
    "adapter-rule": Code(
        "The engine does not take this combination of options.",
        "The rule stands in the adapter, under `rules:`.",
    ),
    "adapter-trial": Code(
        "`stackc adapters test` made a stack from the adapter that does not compile.",
        "It tries every version with every mode of TLS, vector metric and method.",
    ),
    "expression": Code(
        "An expression has no value.",
        "It names something that is not there, cannot be read, or does what an expression may not do. The README lists the names for a stack, adapters/README.md those for an adapter.",
    ),
    "lost-password": Code(
        "A password does not arrive in the connection string of a driver.",
        "`stackc adapters test` puts hostile passwords through every connection of the adapter and looks for them in the result.",
    ),
    "missing-capability": Code(
        "The engine cannot do this in this version.",
        "The help names the version of the same engine that can, or other adapters.",
    ),
    "no-adapter-fits": Code(
        "`adapter: auto` finds no adapter with all that the database needs.",
        "The help lists the nearest ones and what each lacks. Split the needs over two databases, or drop one.",
    ),
    "option-schema": Code(
        "The JSON Schema of an adapter's option is wrong itself.",
        "Each option is a JSON Schema of draft 2020-12, with a description and a default.",
    ),
    "shadowed-adapter": Code(
        "An adapter file hides a built-in adapter of the same name.",
        "Adapters beside the stack come first. If that is meant, let the file change the built-in one by `extends:`, under another name or the same.",
    ),
    "unknown-adapter": Code(
        "No adapter has this name or alias.",
        "`stackc adapters list` shows those that are found: in --adapters, beside the stack, in the user's configuration folder, and built in.",
    ),
    "unknown-version": Code(
        "The adapter has no such version line.",
        "`stackc adapters show NAME` lists them. For a full tag or a digest write `image:` beside the version line.",
    ),
    "unsupported-option": Code(
        "The engine has nothing that this option could set.",
        "Rendering it would promise what does not happen. The help says what to do instead.",
    ),
    "weak-probe": Code(
        "The health check of an adapter can lie.",
        "It logs in with no secret, or asks localhost, where the server of the first start listens before initialisation is over.",
    ),
    # Names and references
    "shell-syntax": Code(
        "A command or health check needs a shell and has none.",
        'Compose splits a command line into words and drops everything from `&&`, `;`, `|` or `>` on. CMD takes words one by one, CMD-SHELL one text. Write `["/bin/sh", "-c", "..."]`.',
    ),
    "empty-label": Code(
        "A label of a list has no value.",
        "Docker sets it to the empty text, which is rarely meant. Write `name=` if it is.",
    ),
    "one-letter-volume": Code(
        "A volume's name of one letter is read as a Windows drive.",
        "Compose mounts something else and reports nothing. Use two letters or more.",
    ),
    "unpublished-port": Code(
        "`ports` has no effect here.",
        "The host's network, no network, and networks that are all internal publish nothing, and Compose does not say so.",
    ),
    "inactive-dependency": Code(
        "A service depends on one that only a profile starts.",
        "Without that profile Compose refuses the project. Write `required: false`, or give both the same profile.",
    ),
    "env-file-with-secrets": Code(
        "`env_file: .env` puts every secret into the container.",
        "That file holds all passwords and connection strings. Name what the service needs under `environment:` or `uses:`.",
    ),
    "dependency-cycle": Code(
        "Services wait for one another.",
        "Each reference, `depends_on` and use of a database is a wait; the message shows the circle. Compose would refuse it.",
    ),
    "duplicate-port": Code(
        "A port of this machine is published twice.",
        "Only one container can have it, replicas included. Neither Compose's schema nor `docker compose config` sees this.",
    ),
    "literal-password": Code(
        "A password stands in the stack.",
        "The stack is committed, and secrets are not. They live in .env; a database can also take a secret of the stack.",
    ),
    "localhost": Code(
        "A service names localhost where it means another container.",
        "Inside a container localhost is the container itself. Containers reach one another by the names of the stack.",
    ),
    "missing-port": Code(
        "A port is needed and the service names none.",
        "The first port under `expose:` or `ports:` is the one that is probed and referred to.",
    ),
    "name-collision": Code(
        "Two things of the stack would have the same name.",
        "Services, databases and the containers beside them share one network; secrets and databases share the keys of .env.",
    ),
    "no-health-check": Code(
        "A service waits for the health of one that has no health check.",
        "Compose would fail at `up`. `healthcheck: {http: /path}` is enough for a web service.",
    ),
    "reserved-name": Code(
        "The name belongs to Compose, to the engine or to stackc.",
        "Compose reads COMPOSE_* and DOCKER_* from .env itself, and engines have users and databases of their own.",
    ),
    "secret-is-a-file": Code(
        "A secret that is a file is used as a value.",
        "Connection strings are finished at compile time, so the value must be in .env: use `generate:` or `environment:`.",
    ),
    "unknown-driver": Code(
        "The adapter has no connection for this driver.",
        "`stackc adapters show NAME` lists the drivers.",
    ),
    "unknown-environment": Code(
        "The stack has no such environment.",
        "`local` is always there; others are named under `environments:`.",
    ),
    "unknown-reference": Code(
        "Something is named that the stack does not have.",
        "The help names the closest thing that it has.",
    ),
    "unset-variable": Code(
        "A service takes a variable from .env that is not set there.",
        "Compose would put an empty text in its place, with a warning at most.",
    ),
    # Policy
    "end-of-life": Code(
        "The version gets no fixes any more.",
        "The dates are those that the vendors publish. The help names a version line that lives.",
    ),
    "moving-image": Code(
        "The image's tag moves to other versions.",
        "The same stack would run another server tomorrow. Write a version line, or `image:` with a full tag.",
    ),
    "owned-key": Code(
        "`x-compose` changes what stackc sets itself.",
        "The rendered health check, secrets or networks may not hold any more. Use an option of the database where there is one.",
    ),
    "too-many-connections": Code(
        "The services may open more connections than the server takes.",
        "The message shows the sum: replicas times pool size of each service, and what is reserved.",
    ),
    # Secrets, .env and certificates
    "certificate-ends": Code(
        "A certificate ends within 30 days.",
        "stackc keeps certificates. Delete the file that the help names and compile to get a new one; replace your own.",
    ),
    "env-interpolation": Code(
        "A secret in .env refers to other variables.",
        "Connection strings are finished at compile time, and stackc does not follow references in .env. Single quotes make the text literal.",
    ),
    "env-syntax": Code(
        "A line of .env cannot be read.",
        "The grammar is that of Compose. Values are never shown in a message.",
    ),
    "missing-extra": Code(
        "Certificates need an optional package.",
        'Only stacks with TLS need it: `pip install "stackc[tls]"`.',
    ),
    "missing-secret": Code(
        "A value that is not generated is missing from .env.",
        "A secret with `environment:` is the user's own to set.",
    ),
    "not-published": Code(
        "The database cannot be reached from this machine.",
        "Databases are inside the network of the stack; `port:` publishes one on the loopback address.",
    ),
    "unusable-certificate": Code(
        "A certificate or key file cannot be used.",
        "It is missing, is not PEM, certificate and key do not belong together, or the certificate lacks a name that clients check.",
    ),
    "unusable-password": Code(
        "A password has a form that the engine or a driver cannot take.",
        "The message names the key of .env and what is wrong, never the value.",
    ),
    # Files that stackc writes
    "disk-full": Code(
        "The disk or quota has no room for an output file.",
        "Every file is written beside its target before any is replaced, so the old files are untouched.",
    ),
    "edited-output": Code(
        "A file was edited by hand after stackc wrote it.",
        "Move the edit into the stack file (`x-compose` takes what stackc has no word for), or overwrite it with --force. --diff shows the edit.",
    ),
    "file-exists": Code(
        "A file is there already.",
        "`stackc init` overwrites nothing.",
    ),
    "foreign-output": Code(
        "A file that stackc did not make stands at an output path.",
        "It has no stackc digest among its first comments. It is kept unless --force is given.",
    ),
    "output-is-a-folder": Code(
        "A folder stands where stackc writes a file.",
        "stackc never removes folders. Move it away or choose another output folder with -o.",
    ),
    "output-is-a-symlink": Code(
        "A file or sub folder of the output is a symbolic link.",
        "Following it would write outside of the output folder, and replacing it would lose the link. A link to the output folder itself is fine.",
    ),
    "output-not-a-folder": Code(
        "The output folder, or a folder in it, is something else.",
        "A file or a broken link stands where stackc needs a folder. Move it away or choose another folder with -o.",
    ),
    "output-not-writable": Code(
        "The system refuses to read or write an output file.",
        "The message ends in the system's own reason. Everything is as it was before.",
    ),
    "stale-output": Code(
        "A rendered file is missing or is not what the stack renders now.",
        "The stack, an adapter, stackc or the file itself changed since the last compile. Run `stackc compile` with the same options and commit the result.",
    ),
}
