package command

// commands lists what the binary understands, in the order of the overview.
// Names of several words stand before names that begin them.
func commands() []*command {
	return []*command{
		demoCommand, serveCommand, setupCommand,
		tokenCreateCommand, tokenCommand,
		userAddCommand, userAssignCommand, userPortalCommand, userDeactivateCommand, userActivateCommand,
		userGrantCommand, userUngrantCommand,
		userRevokeCommand, userReassignCommand, userDeleteCommand,
		checkCommand, testCommand, applyCommand,
		compareReviewCommand, compareApproveCommand, compareListCommand, compareCommand,
		rulePushCommand, ruleActivateCommand, ruleListCommand,
		schemaPrintCommand,
		documentsPushCommand, documentsListCommand, documentsRemoveCommand,
		hideCommand, unhideCommand, hiddenCommand,
		explainCommand,
		whoCommand, whatCommand, reviewCommand,
		looksCommand, recallCommand,
		importResumeCommand, importUndoCommand, importListCommand, importCommand, exportCommand,
	}
}
