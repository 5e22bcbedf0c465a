"""The command line. The root knows only names; a command's module is imported on first use."""

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

from dogwatch import __version__
from dogwatch.cli.exits import report
from dogwatch.cli.session import Group, Session, shared

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# Name -> (module in dogwatch.cli, what `dogwatch --help` says). The attribute has the name.
COMMANDS = {
    "up": ("server", "Run the server."),
    "init": ("init", "Set up a new instance: its first person."),
    "run": ("wrap", "Run a command and tell Dogwatch how it went."),
    "ping": ("ping", "Send one signal."),
    "add": ("watches", "Make a watch."),
    "ls": ("watches", "List the watches."),
    "show": ("watches", "Show one watch."),
    "edit": ("edit", "Change a watch."),
    "rm": ("edit", "Delete watches."),
    "next": ("watches", "Show what is due next."),
    "runs": ("runs", "List runs, newest first."),
    "logs": ("runs", "Print a run's output."),
    "pings": ("history", "List the pings of a watch."),
    "flips": ("history", "List the changes of state."),
    "job": ("job", "Make and show jobs."),
    "probe": ("probe", "Make, show and try probes of endpoints."),
    "workflow": ("workflow", "Graphs of jobs: as text, in versions, and as they ran."),
    "action": ("actions", "What follows the runs of a job or a workflow."),
    "trigger": ("runs", "Run a job now."),
    "cancel": ("runs", "Stop a run."),
    "pause": ("watches", "Stop expecting anything."),
    "resume": ("watches", "Expect again, from now on."),
    "variable": ("variables", "Set, show and remove what scripts read."),
    "channel": ("alerts", "Make, list, test and remove the places to tell."),
    "rule": ("rules", "Say who is told of what, and when."),
    "maintenance": ("maintenance", "Windows in which no alert opens."),
    "depend": ("maintenance", "Say what a watch depends on."),
    "status-page": ("status_pages", "Pages for anybody, and what is posted on them."),
    "export": ("manifest", "Print the workspace as a file."),
    "apply": ("manifest", "Make the workspace be as files say."),
    "diff": ("manifest", "Show what applying a file would change."),
    "validate": ("manifest", "Judge files without a server."),
    "release": ("manifest", "Let go of what is kept in a file."),
    "incident": ("incidents", "What broke, who knows, what was done."),
    "ack": ("incidents", "Acknowledge an incident."),
    "snooze": ("incidents", "Say nothing of a watch's incident for a while."),
    "why": ("incidents", "Say why a watch is as it is."),
    "deliveries": ("alerts", "List what was told to whom."),
    "explain": ("explain", "Say what a schedule means; works offline."),
    "import": ("crontab", "Bring in schedules from elsewhere."),
    "discover": ("crontab", "Find what cron does on this machine."),
    "config": ("config", "Show every setting and where it came from."),
    "doctor": ("doctor", "Find faults."),
    "audit": ("store", "Prove the ledger from the database."),
    "backup": ("store", "Copy the data while the server runs."),
    "restore": ("store", "Put a backup back."),
    "migrate": ("store", "Bring the database's tables up to date."),
    "worker": ("server", "Run an engine without the web."),
    "dialect": ("dialect", "Show and prove the APIs of other products that are spoken."),
    "key": ("keys", "Make, list, rotate and revoke API keys."),
    "user": ("users", "Add, list, disable and enable people."),
    "member": ("members", "Who belongs to a workspace, and what as."),
    "workspace": ("workspaces", "Make, name, export and remove workspaces."),
    "plan": ("workspaces", "Say how much a workspace may have."),
    "audit-log": ("audit_log", "Show who did what."),
    "secret": ("secret", "Rotate the keys that seal what is stored."),
    "completion": ("completion", "Have the shell complete names."),
}


class LazyGroup(Group):
    """A group that imports a command's module when the command is used, not for the help page."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        gc.disable()  # an import makes no garbage, and the search for it takes a sixth of its time
        module = import_module(f"dogwatch.cli.{COMMANDS[cmd_name][0]}")
        gc.enable()
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Return names that begin so, from the table."""
        from click.shell_completion import CompletionItem  # few runs need it

        told = ((name, words) for name, (_, words) in COMMANDS.items())
        found = [CompletionItem(name, help=words) for name, words in told]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [one for one in found if one.value.startswith(incomplete)] + options

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names and their one line from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the environment and the examples."""
        with formatter.section("Environment"):
            formatter.write_dl(ENVIRONMENT)
        with formatter.section("Examples"):
            formatter.write(EXAMPLES)


ENVIRONMENT = [
    ("DOGWATCH_SERVER", "Server to talk to, as --server; else the one on this machine."),
    ("DOGWATCH_KEY", "API key; not needed beside the server, nor with a ping address."),
    ("DOGWATCH_PING_URL", "Where run and ping send a slug: https://HOST/ping/WORKSPACE_KEY."),
    ("DOGWATCH_DATA", "Data directory, as --data."),
    ("DOGWATCH_…", "Every setting of the server; see dogwatch config."),
]
EXAMPLES = """\
  dogwatch up
  dogwatch add "Nightly backup" --schedule "0 2 * * *" --tz Europe/Warsaw
  dogwatch run nightly-backup -- /usr/local/bin/backup.sh
"""


@click.group(
    cls=LazyGroup,
    params=shared(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="dogwatch", message="%(prog)s %(version)s")
@click.pass_context
def root(ctx: click.Context) -> None:
    """Dogwatch runs scheduled work, watches work that others run, and tells you when something
    did not happen.

    Exit codes: 0 good, 1 failed, 2 usage or differs, 3 not found, 4 refused, 5 server away.
    """
    ctx.ensure_object(Session)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    try:
        code = root.main(args=args, prog_name="dogwatch", standalone_mode=False)
    except Exception as error:  # one place words every failure
        code = report(error)
    sys.exit(code if isinstance(code, int) else 0)
