package command

import "slices"

// topic is a part of the overview.
type topic struct {
	title    string
	commands []*command
}

// topics lists what the binary understands, in the order of the overview.
func topics() []topic {
	return []topic{
		{"A server, and signing in", []*command{demoCommand, serveCommand, setupCommand, tokenCommand, tokenCreateCommand}},
		{"People", []*command{
			userAddCommand, userAssignCommand, userPortalCommand, userGrantCommand, userUngrantCommand,
			userDeactivateCommand, userActivateCommand, userRevokeCommand, userReassignCommand, userDeleteCommand,
		}},
		{"Applications", []*command{
			checkCommand, testCommand, applyCommand,
			ruleNewCommand, ruleBuildCommand, ruleTestCommand, ruleBenchCommand,
			rulePushCommand, ruleBindCommand, ruleUnbindCommand, ruleActivateCommand, ruleDeactivateCommand, ruleListCommand,
			ruleVersionsCommand, ruleRollbackCommand, ruleFallbackCommand, ruleReleaseCommand, ruleDownloadCommand, ruleDeleteCommand, ruleShadowCommand,
			ruleLogCommand, ruleReplayCommand, ruleStatsCommand,
			schemaPrintCommand,
			documentsPushCommand, documentsListCommand, documentsRemoveCommand,
		}},
		{"Who may do what, and why", []*command{
			explainCommand, whoCommand, whatCommand, reviewCommand, recallCommand,
			compareCommand, compareListCommand, compareReviewCommand, compareApproveCommand,
			looksCommand,
		}},
		{"Records", []*command{
			importCommand, importListCommand, importResumeCommand, importUndoCommand, exportCommand,
			hideCommand, unhideCommand, hiddenCommand,
		}},
	}
}

// commands are those of all topics.
func commands() []*command {
	var all [][]*command
	for _, t := range topics() {
		all = append(all, t.commands)
	}
	return slices.Concat(all...)
}
