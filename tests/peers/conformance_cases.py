"""Every method of the original, called as clients call it, with its documented errors and its edges.

A line is `method {parameters} -> NAME=member # what`: NAME keeps a member of the result for later lines (`$NAME`), and
`what` tells calls of one method apart. `turn SESSION TEXT` runs one prompt. $HOME is the gateway's home, $WORK its
working directory. Wrong types are for mistyped.py: the original dies of some.
"""

CASES = r"""
nope.method {} # unknown method
commands.catalog {}
command.resolve {"name": "/Q"} # alias
command.resolve {"name": "approve"} # of messaging
command.resolve {"name": "zzz"} # unknown
setup.status {}
setup.runtime_check {} # configured
setup.runtime_check {"provider": "no-such-provider"} # unknown provider
credits.view {}

# Settings.
config.get {"key": "zzz"} # unknown key
config.get {} # no key
config.get {"key": "provider"} # provider
config.get {"key": "profile"} # profile
config.get {"key": "project", "cwd": "$WORK"} # project
config.get {"key": "project", "cwd": "/no/such/place"} # project that is gone
config.get {"key": "full"} # full
config.get {"key": "prompt"} # prompt
config.get {"key": "skin"} # skin
config.get {"key": "indicator"} # indicator
config.get {"key": "personality"} # personality
config.get {"key": "reasoning"} # reasoning
config.get {"key": "fast"} # fast
config.get {"key": "busy"} # busy
config.get {"key": "details_mode"} # details_mode
config.get {"key": "thinking_mode"} # thinking_mode
config.get {"key": "compact"} # compact
config.get {"key": "statusbar"} # statusbar
config.get {"key": "mouse"} # mouse
config.get {"key": "mtime"} # mtime
config.show {}
reload.env {} # first
reload.env {} # again

# A session without a turn.
session.most_recent {} # none yet
session.list {} # none yet
session.create {"cols": 80, "cwd": "$WORK"} -> S=session_id K=stored_session_id
session.create {"cols": 80, "title": "Second", "cwd": "/no/such/place"} -> T=session_id # titled, directory gone
session.active_list {} # two
session.active_list {"current_session_id": "$S"} # with the current one
session.activate {"session_id": "$S"}
session.activate {"session_id": "00000000"} # unknown
session.status {"session_id": "$S"}
session.status {"session_id": "00000000"} # unknown
session.usage {"session_id": "$S"}
session.usage {"session_id": "00000000"} # unknown
session.history {"session_id": "$S"} # empty
session.history {"session_id": "00000000"} # unknown
session.title {"session_id": "$S"} # none yet
session.title {"session_id": "$S", "title": "First"} # set
session.title {"session_id": "$S", "title": "  "} # blank
session.title {"session_id": "00000000", "title": "x"} # unknown
session.undo {"session_id": "$S"} # nothing to undo
session.undo {"session_id": "00000000"} # unknown
session.compress {"session_id": "$S"} # nothing to compress
session.branch {"session_id": "$S"} # nothing to branch
session.save {"session_id": "$S"} # nothing yet
session.context_breakdown {"session_id": "$S"}
session.context_breakdown {"session_id": "00000000"} # unknown
session.interrupt {"session_id": "$S"} # idle
session.interrupt {"session_id": "00000000"} # unknown
session.steer {"session_id": "$S", "text": " "} # blank
session.steer {"session_id": "00000000", "text": "x"} # unknown
session.cwd.set {"session_id": "$S", "cwd": "$WORK/sub"}
session.cwd.set {"session_id": "$S", "cwd": ""} # empty
session.cwd.set {"session_id": "$S", "cwd": "/no/such/place"} # gone
session.cwd.set {"session_id": "00000000", "cwd": "$WORK"} # unknown
session.cwd.set {"session_id": "$S", "cwd": "$WORK"} # back
terminal.resize {"session_id": "$S", "cols": 100}
terminal.resize {"session_id": "00000000", "cols": 100} # unknown

# Turns.
turn $S "SAY:hello"
turn $S CALL:terminal
session.history {"session_id": "$S"} # after turns
session.usage {"session_id": "$S"} # after turns
session.status {"session_id": "$S"} # after turns
session.list {} # after turns
session.list {"limit": 1} # one
session.most_recent {} # after turns
session.save {"session_id": "$S"}
session.branch {"session_id": "$S", "name": "Other"} -> B=session_id
session.branch {"session_id": "00000000"} # unknown
session.title {"session_id": "$B", "title": "First"} # taken
session.history {"session_id": "$B"} # of the branch
session.undo {"session_id": "$B"}
session.close {"session_id": "$B"}
session.close {"session_id": "$B"} # twice
session.close {"session_id": "00000000"} # unknown
session.delete {} # no id
session.delete {"session_id": "20200101_000000_000000"} # unknown
session.delete {"session_id": "$K"} # live
session.resume {} # no id
session.resume {"session_id": "20200101_000000_000000"} # unknown
session.resume {"session_id": "$K", "cols": 90} # live
prompt.submit {"session_id": "00000000", "text": "x"} # unknown
prompt.submit {"session_id": "$S", "text": "x", "truncate_before_user_ordinal": 99} # an ordinal that is not there
prompt.background {"session_id": "$S", "text": ""} # blank
prompt.background {"session_id": "00000000", "text": "x"} # unknown
llm.oneshot {} # nothing asked
llm.oneshot {"template": "no-such-template"} # unknown template
handoff.request {"session_id": "$S"} # no platform
handoff.request {"session_id": "$S", "platform": "no-such"} # unknown platform
handoff.request {"session_id": "00000000", "platform": "telegram"} # unknown
handoff.state {"session_id": "$S"}
handoff.fail {"session_id": "$S", "error": "x"}

# Answers to questions nobody asked.
approval.respond {"session_id": "$S", "choice": "once"} # nothing open
approval.respond {"session_id": "00000000", "choice": "once"} # unknown
clarify.respond {"request_id": "nope", "answer": "x"} # nothing open
sudo.respond {"request_id": "nope", "password": "x"} # nothing open
secret.respond {"request_id": "nope", "value": "x"} # nothing open
terminal.read.respond {"request_id": "nope", "text": "x"} # nothing open

# Commands.
command.dispatch {"name": "queue", "arg": "run the tests"} # queue
command.dispatch {"name": "/q", "arg": ""} # queue without text
command.dispatch {"name": "steer", "arg": ""} # steer without text
command.dispatch {"name": "steer", "arg": "x"} # steer without a session
command.dispatch {"name": "learn", "arg": "the docs"} # learn
command.dispatch {"name": "help"} # not for here
command.dispatch {"name": "zzz"} # unknown
command.dispatch {"name": "retry"} # retry without a session
command.dispatch {"name": "undo"} # undo without a session
command.dispatch {"name": "undo", "arg": "x", "session_id": "$S"} # undo what
command.dispatch {"name": "retry", "session_id": "$T"} # retry nothing
command.dispatch {"name": "undo", "session_id": "$T"} # undo nothing
command.dispatch {"name": "goal"} # goal without a session
command.dispatch {"name": "goal", "session_id": "$S"} # no goal
command.dispatch {"name": "goal", "arg": "ship it", "session_id": "$S"} # a goal
command.dispatch {"name": "goal", "arg": "status", "session_id": "$S"} # its status
command.dispatch {"name": "goal", "arg": "pause", "session_id": "$S"} # goal paused
command.dispatch {"name": "goal", "arg": "clear", "session_id": "$S"} # goal cleared
command.dispatch {"name": "moa", "arg": "", "session_id": "$S"} # moa without text
command.dispatch {"name": "snapshot", "arg": "restore x"} # snapshot restore
command.dispatch {"name": "snapshot", "arg": "create"} # snapshot create
command.dispatch {"name": "hello"} # a quick command
command.dispatch {"name": "short"} # a quick alias
command.dispatch {"name": "broken"} # a quick command that fails
command.dispatch {"name": "tidy-notes", "arg": "now"} # a skill
slash.exec {"session_id": "00000000", "command": "help"} # unknown session
slash.exec {"session_id": "$S", "command": " "} # empty
slash.exec {"session_id": "$S", "command": "queue run it"} # queue
slash.exec {"session_id": "$S", "command": "/steer"} # steer without text
slash.exec {"session_id": "$S", "command": "tidy-notes"} # a skill
slash.exec {"session_id": "$S", "command": "snapshot restore x"} # snapshot restore
slash.exec {"session_id": "$S", "command": "help"} # help
slash.exec {"session_id": "$S", "command": "tools"} # tools
slash.exec {"session_id": "$S", "command": "skills"} # skills
slash.exec {"session_id": "$S", "command": "config"} # config
slash.exec {"session_id": "$S", "command": "profile"} # profile
slash.exec {"session_id": "$S", "command": "hello"} # a quick command
slash.exec {"session_id": "$S", "command": "no-such-command"} # unknown
cli.exec {"argv": "x"} # no list
cli.exec {} # nothing
cli.exec {"argv": ["setup"]} # setup
cli.exec {"argv": ["config", "edit"]} # an editor
cli.exec {"argv": ["--help"], "timeout": 60} # help
cli.exec {"argv": ["--help"], "timeout": 0} # no time
shell.exec {} # nothing
shell.exec {"command": "echo hi; echo e >&2; exit 4"}
shell.exec {"command": "kill -9 $$"} # a signal
shell.exec {"command": "rm -rf /"} # hard line
shell.exec {"command": "git reset --hard"} # dangerous
shell.exec {"command": "  "} # blank
complete.slash {"text": "x"} # no command
complete.slash {"text": "/q"} # commands
complete.slash {"text": "/details "} # details
complete.slash {"text": "/details thinking "} # a section
complete.slash {"text": "/reasoning HI"} # sub-commands
complete.slash {"text": "/skin "} # skins
complete.slash {"text": "/personality "} # personalities
complete.slash {"text": "/tools "} # tools
complete.slash {"text": "/tools disable w"} # a set of tools
complete.slash {"text": "/tidy"} # a skill
complete.slash {"text": "/tmp/x"} # a path
complete.path {} # nothing
complete.path {"word": "@", "cwd": "$WORK"} # references
complete.path {"word": "@notes", "cwd": "$WORK"} # a name
complete.path {"word": "@file:", "cwd": "$WORK"} # files
complete.path {"word": "@folder:", "cwd": "$WORK"} # folders
complete.path {"word": "./", "cwd": "$WORK"} # a directory
complete.path {"word": "sub/", "cwd": "$WORK"} # below
complete.path {"word": "@notes", "session_id": "$S"} # of a session
complete.path {"word": "none/", "cwd": "$WORK"} # not there
paste.collapse {"text": "a\nb\n"}
paste.collapse {} # nothing

# Attachments.
image.attach {"session_id": "$S"} # nothing
image.attach {"session_id": "$S", "path": "/no/such.png"} # gone
image.attach {"session_id": "$S", "path": "$WORK/notes.txt"} # no image
image.attach {"session_id": "$S", "path": "$WORK/dot.png"}
image.attach {"session_id": "00000000", "path": "$WORK/dot.png"} # unknown
image.detach {"session_id": "$S", "path": "$WORK/dot.png"}
image.detach {"session_id": "$S"} # nothing
image.attach_bytes {"session_id": "$S"} # nothing
image.attach_bytes {"session_id": "$S", "content_base64": "%%%"} # no base64
image.attach_bytes {"session_id": "$S", "content_base64": "AAAA", "ext": "exe"} # an extension
pdf.attach {"session_id": "$S"} # nothing
pdf.attach {"session_id": "$S", "path": "/no/such.pdf"} # gone
file.attach {"session_id": "$S"} # nothing
file.attach {"session_id": "$S", "path": "$WORK/notes.txt"}
input.detect_drop {"session_id": "$S", "text": "$WORK/notes.txt please"} # a file
input.detect_drop {"session_id": "$S", "text": "no path"} # none
input.detect_drop {"session_id": "00000000", "text": "/x"} # unknown

# Changing settings.
config.set {"key": "zzz", "value": "x"} # unknown key
config.set {"key": "busy", "value": "queue"} # busy
config.set {"key": "busy", "value": "zzz"} # busy wrong
config.set {"key": "indicator", "value": "ascii"} # indicator
config.set {"key": "indicator", "value": "zzz"} # indicator wrong
config.set {"key": "details_mode", "value": "expanded"} # details
config.set {"key": "details_mode", "value": "zzz"} # details wrong
config.set {"key": "details_mode.tools", "value": "hidden"} # a section
config.set {"key": "details_mode.zzz", "value": "hidden"} # a section wrong
config.set {"key": "thinking_mode", "value": "full"} # thinking
config.set {"key": "compact", "value": "on"} # compact
config.set {"key": "compact", "value": "zzz"} # compact wrong
config.set {"key": "statusbar", "value": "bottom"} # statusbar
config.set {"key": "statusbar", "value": "zzz"} # statusbar wrong
config.set {"key": "mouse", "value": "wheel"} # mouse
config.set {"key": "mouse", "value": "zzz"} # mouse wrong
config.set {"key": "verbose", "value": "verbose", "session_id": "$S"} # verbose
config.set {"key": "verbose", "value": "zzz"} # verbose wrong
config.set {"key": "reasoning", "value": "high", "session_id": "$S"} # reasoning
config.set {"key": "reasoning", "value": "zzz"} # reasoning wrong
config.set {"key": "yolo", "session_id": "$S"} # yolo
config.set {"key": "yolo", "session_id": "$S"} # yolo back
config.set {"key": "prompt", "value": "Be kind."} # prompt
config.set {"key": "skin", "value": "ares"} # skin
config.set {"key": "skin", "value": "default"} # skin back
config.set {"key": "personality", "value": "concise", "session_id": "$S"} # personality
config.set {"key": "personality", "value": "none", "session_id": "$S"} # no personality
config.set {"key": "model", "value": ""} # model empty
config.set {"key": "model", "value": "fake-2 --session", "session_id": "$S"} # model for a session
config.get {"key": "busy"} # busy changed
config.get {"key": "mouse"} # mouse changed
config.get {"key": "full"} # full changed

# Models.
model.options {}
model.options {"session_id": "$S"} # of a session
model.save_key {} # nothing
model.save_key {"slug": "zzz", "api_key": "sk-x"} # unknown provider
model.save_key {"slug": "nous", "api_key": "sk-x"} # not by key
model.save_key {"slug": "deepseek", "api_key": "sk-example"}
model.disconnect {} # nothing
model.disconnect {"slug": "zzz"} # unknown provider
model.disconnect {"slug": "deepseek"}
model.disconnect {"slug": "deepseek"} # twice

# Tools, skills, plugins.
toolsets.list {}
toolsets.list {"session_id": "$S"} # of a session
tools.list {}
tools.show {}
tools.configure {"action": "zzz", "names": ["web"]} # unknown action
tools.configure {"action": "enable"} # no names
tools.configure {"action": "disable", "names": ["web", "bogus", "gh:search"]}
tools.configure {"action": "enable", "names": ["web"]} # back
agents.list {}
plugins.list {}
plugins.manage {} # list
plugins.manage {"action": "zzz"} # unknown action
plugins.manage {"action": "toggle"} # no name
plugins.manage {"action": "toggle", "name": "no-such-plugin", "enable": true} # unknown plugin
skills.manage {} # list
skills.manage {"action": "zzz"} # unknown action
skills.reload {}
reload.mcp {"session_id": "$S"} # asks first
reload.mcp {"session_id": "$S", "confirm": true}
reload.mcp {"confirm": true, "always": true} # for good
reload.mcp {} # asks no more

# Processes, subagents, rollback.
process.list {"session_id": "$S"}
process.list {"session_id": "00000000"} # unknown
process.kill {"session_id": "$S"} # no id
process.kill {"session_id": "$S", "process_id": "nope"} # unknown
process.stop {}
delegation.status {}
delegation.pause {"paused": true}
delegation.pause {"paused": false} # over
subagent.interrupt {} # no id
subagent.interrupt {"subagent_id": "nope"} # unknown
spawn_tree.save {"session_id": "$S"} # nothing
spawn_tree.save {"session_id": "$S", "subagents": [{"id": "a", "goal": "x"}], "label": "one"} -> TREE=path
spawn_tree.list {"session_id": "$S"}
spawn_tree.load {"path": "$TREE"}
spawn_tree.load {} # nothing
spawn_tree.load {"path": "/etc/passwd"} # outside
rollback.list {"session_id": "$S"}
rollback.list {"session_id": "00000000"} # unknown
rollback.diff {"session_id": "$S"} # nothing
rollback.diff {"session_id": "$S", "hash": "0000000"} # unknown
rollback.restore {"session_id": "$S"} # nothing
rollback.restore {"session_id": "$S", "hash": "1"} # unknown
project.facts {"cwd": "$WORK"}
project.facts {"session_id": "$S"} # of a session
verification.status {"session_id": "$S"}
verification.status {"cwd": "$WORK", "session_key": "$K"} # of a key
insights.get {} # default
insights.get {"days": 0.5} # a fraction

# Projects.
projects.list {} # none yet
projects.create {} # no name
projects.create {"name": "My App", "folders": ["$WORK"], "use": true} -> P=project.id
projects.create {"name": "My App"} # the same name
projects.create {"name": "x", "slug": "Not Valid"} # a slug
projects.create {"name": "x", "board_slug": "-x"} # a board
projects.list {}
projects.get {"id": "$P"}
projects.get {"id": "MY-APP"} # by slug
projects.get {"id": "nope"} # unknown
projects.get {} # no id
projects.update {"id": "$P", "name": "Renamed", "color": "#fff"}
projects.update {"id": "$P", "name": " "} # a blank name
projects.update {"id": "$P", "color": ""} # no colour
projects.update {"id": "nope", "name": "x"} # unknown
projects.add_folder {"id": "$P", "path": "$WORK/sub", "label": "Sub", "is_primary": true}
projects.add_folder {"id": "$P", "path": "$WORK/sub"} # twice
projects.add_folder {"id": "nope", "path": "$WORK"} # unknown
projects.set_primary {"id": "$P", "path": "$WORK"}
projects.set_primary {"id": "$P", "path": "/no/such"} # not its folder
projects.remove_folder {"id": "$P", "path": "$WORK/sub"}
projects.remove_folder {"id": "$P", "path": "/no/such"} # not its folder
projects.for_cwd {"cwd": "$WORK"}
projects.for_cwd {"cwd": "/no/such/place"} # gone
projects.set_active {"id": "nope"} # unknown
projects.set_active {"id": "$P"}
projects.set_active {} # none
projects.record_repos {"repos": [{"root": "$WORK/sub", "label": "Sub"}, 5, ""]}
projects.discover_repos {}
projects.tree {}
projects.tree {"preview_limit": -1} # without previews
projects.project_sessions {"project_id": "$P"}
projects.project_sessions {"project_id": "nope"} # unknown
projects.project_sessions {} # no id
projects.record_repos {"repos": []} # none
projects.archive {"id": "$P"}
projects.archive {"id": "$P", "restore": true} # back
projects.archive {"id": "nope"} # unknown
projects.delete {"id": "$P"}
projects.delete {"id": "$P"} # twice

# Cron, learning.
cron.manage {} # none yet
cron.manage {"action": "add", "name": "digest", "schedule": "every 2h", "prompt": "Summarise the log"} -> J=job_id # every
cron.manage {"action": "add", "name": "once", "schedule": "30m", "prompt": "Once"} # once
cron.manage {"action": "add", "name": "daily", "schedule": "0 9 * * *", "prompt": "Daily"} # cron
cron.manage {"action": "add", "name": "x", "schedule": "zzz", "prompt": "x"} # a schedule that is none
cron.manage {"action": "add", "name": "x", "prompt": "x"} # no schedule
cron.manage {"action": "add", "name": "x", "schedule": "1h"} # no prompt
cron.manage {"action": "list"} # three
cron.manage {"action": "pause", "name": "$J"} # pause
cron.manage {"action": "resume", "name": "$J"} # resume
cron.manage {"action": "remove", "name": "digest"} # remove
cron.manage {"action": "remove", "name": "digest"} # remove twice
cron.manage {"action": "run", "name": "once"} # unknown action
learning.frames {"cols": 60, "rows": 14, "frames": 3}
learning.detail {"id": "memory:memory:0"}
learning.detail {"id": "memory:memory:99"} # out of range
learning.detail {"id": "memory:zzz"} # a bad id
learning.detail {"id": "no-such-skill"} # unknown
learning.edit {"id": "memory:memory:0", "content": "Likes tea."}
learning.edit {"id": "memory:memory:0", "content": " "} # empty
learning.edit {"id": "no-such-skill", "content": "x"} # no front matter
learning.delete {"id": "memory:memory:0"}
learning.delete {"id": "memory:memory:99"} # out of range
learning.delete {"id": "no-such-skill"} # unknown

# Services that are not there.
browser.manage {} # status
browser.manage {"action": "zzz"} # unknown action
browser.manage {"action": "connect", "url": "ftp://127.0.0.1"} # a scheme
browser.manage {"action": "connect", "url": "http://:80"} # no host
browser.manage {"action": "connect", "url": "http://127.0.0.1:99999"} # a port
browser.manage {"action": "connect", "url": "http://127.0.0.1:1"} # nobody there
browser.manage {"action": "disconnect"} # disconnect
voice.toggle {} # status
voice.toggle {"action": "zzz"} # unknown action
voice.toggle {"action": "tts"} # tts while off
voice.toggle {"action": "on"} # on
voice.toggle {"action": "off"} # off
voice.record {"action": "zzz"} # unknown action
voice.record {"action": "start"} # start while off
voice.record {"action": "stop"} # stop
voice.tts {} # no text
voice.tts {"text": "done"} # some text
pet.info {}
pet.info.meta {}
pet.cells {"state": "idle", "graphics": true}
pet.gallery {"localOnly": true}
pet.select {} # no slug
pet.remove {} # no slug
pet.remove {"slug": "boba"}
pet.thumb {} # no slug
pet.thumb {"slug": "boba"}
pet.export {} # no slug
pet.export {"slug": "boba"} # not there
pet.rename {} # no slug
pet.rename {"slug": "boba"} # no name
pet.rename {"slug": "boba", "name": "New"} # not there
pet.disable {}
pet.scale {"scale": "x"} # no number
pet.scale {"scale": 9}
pet.cancel {"token": "x"}
pet.generate.status {}
pet.generate {} # no prompt
pet.generate {"referenceImage": "x"} # no image
pet.hatch {} # no token
pet.hatch {"token": "x"} # no name
pet.hatch {"token": "x", "name": "y"} # expired
billing.state {}
billing.charge {} # no amount
billing.charge {"amount_usd": "5"} # logged out
billing.charge {"amount_usd": "5", "idempotency_key": " "} # a blank key
billing.charge_status {} # no id
billing.charge_status {"charge_id": "c"} # logged out
billing.auto_reload {} # nothing
billing.auto_reload {"enabled": true, "threshold": 5, "top_up_amount": 10} # logged out
billing.step_up {}
preview.restart {} # no session
preview.restart {"session_id": "$S"} # no url
clipboard.paste {"session_id": "$S"}
session.close {"session_id": "$S"} # at last
session.delete {"session_id": "$K"} # at last
session.resume {"session_id": "$K"} # deleted
"""
