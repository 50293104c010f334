"""What an emulator answers when its inputs are changed, how sure that is, and what the cloud-resolving model says."""
