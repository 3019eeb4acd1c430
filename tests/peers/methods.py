"""The 128 methods of the original with the parameters each one reads."""

TABLE = """
agents.list
approval.respond session_id choice all
billing.auto_reload threshold top_up_amount enabled
billing.charge amount_usd idempotency_key
billing.charge_status charge_id
billing.state
billing.step_up session_id
browser.manage action url
clarify.respond request_id answer
cli.exec argv timeout
clipboard.paste session_id
command.dispatch arg session_id name
command.resolve name
commands.catalog
complete.path word cwd session_id
complete.slash text
config.get key cwd session_id
config.set key value session_id confirm_expensive_model scope
config.show
credits.view
cron.manage action name schedule prompt
delegation.pause paused
delegation.status
file.attach session_id path data_url name
handoff.fail session_id error
handoff.request session_id platform
handoff.state session_id
image.attach session_id path
image.attach_bytes session_id filename content_base64 data ext
image.detach session_id path
input.detect_drop session_id text
insights.get days
learning.delete id
learning.detail id
learning.edit id content
learning.frames cols rows frames
llm.oneshot temperature instructions input variables session_id max_tokens template task
model.disconnect slug
model.options session_id refresh
model.save_key session_id slug api_key
paste.collapse text
pdf.attach session_id last_page path content_base64 data filename first_page
pet.cancel token
pet.cells graphics state cols
pet.disable
pet.export slug
pet.gallery localOnly
pet.generate prompt referenceImage count style provider
pet.generate.status
pet.hatch index token name cancelToken provider description prompt style
pet.info
pet.info.meta
pet.remove slug
pet.rename slug name
pet.scale scale
pet.select slug
pet.thumb slug url
plugins.list
plugins.manage action enable name
preview.restart session_id url cwd context
process.kill session_id process_id
process.list session_id
process.stop
project.facts cwd session_id
projects.add_folder id path label is_primary
projects.archive id restore
projects.create name slug folders primary_path description icon color board_slug use
projects.delete id
projects.discover_repos
projects.for_cwd cwd
projects.get id
projects.list
projects.project_sessions project_id session_limit
projects.record_repos repos
projects.remove_folder id path
projects.set_active id
projects.set_primary id path
projects.tree preview_limit session_limit
projects.update id name description icon color board_slug
prompt.background text session_id
prompt.submit truncate_before_user_ordinal session_id text
reload.env
reload.mcp session_id confirm always
rollback.diff session_id hash
rollback.list session_id
rollback.restore session_id hash file_path
secret.respond request_id value
session.activate session_id
session.active_list current_session_id
session.branch session_id name
session.close session_id
session.compress session_id focus_topic
session.context_breakdown session_id
session.create cols messages fast close_on_disconnect title cwd profile model parent_session_id source reasoning_effort provider
session.cwd.set session_id cwd
session.delete session_id
session.history session_id
session.interrupt session_id
session.list limit
session.most_recent
session.resume session_id lazy cols eager_build profile close_on_disconnect source
session.save session_id
session.status session_id
session.steer session_id text
session.title session_id title
session.undo session_id
session.usage session_id
setup.runtime_check provider
setup.status
shell.exec command
skills.manage action query page page_size
skills.reload
slash.exec command session_id
spawn_tree.list cross_session limit session_id
spawn_tree.load path
spawn_tree.save started_at subagents finished_at label session_id
subagent.interrupt subagent_id
sudo.respond request_id password
terminal.read.respond request_id text
terminal.resize session_id cols
tools.configure session_id names action
tools.list session_id
tools.show session_id
toolsets.list session_id
verification.status cwd session_id session_key
voice.record action session_id
voice.toggle action
voice.tts text
"""

# method -> names of its parameters
METHODS = {words[0]: words[1:] for words in (line.split() for line in TABLE.strip().split("\n"))}
# Every name any method knows.
NAMES = sorted({name for names in METHODS.values() for name in names})
