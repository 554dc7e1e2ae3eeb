export { frontManagerKey, isSafe, managerKey } from './config.ts'
export { type Joining, joining } from './joining.ts'
export { type SettingsPolls, type SettingsPollsComponents, settingsPolls } from './settings-polls.ts'
